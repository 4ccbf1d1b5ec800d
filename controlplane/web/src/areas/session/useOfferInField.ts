import { onMounted, onUnmounted, watch, type Ref } from 'vue'
import { passkeys } from '@/api/passkeys'
import { obstacle, showPasskey } from './passkey'
import type { PasskeyAnswer } from '@/api/types'

interface Offer {
  abort: AbortController
  /** Ends when the browser offers nothing any more; it never fails. */
  over: Promise<void>
}

/** Part of a challenge's life after which another one is fetched. */
const fresh = 0.9

/**
 * Has the browser offer passkeys where the e-mail is typed, where it can; `accept` is given the one that was chosen. A browser
 * answers one question at a time: `withdraw` before another is asked, `offer` when that is over.
 */
export function useOfferInField(tenant: Ref<string>, accept: (shown: PasskeyAnswer) => Promise<void>) {
  let current: Offer | null = null
  let gone = false

  async function wait({ signal }: AbortController, before: Offer | null): Promise<void> {
    await before?.over
    let renewal: ReturnType<typeof setTimeout> | undefined
    try {
      const able = !obstacle() && (await PublicKeyCredential.isConditionalMediationAvailable?.())
      if (!able || !tenant.value || signal.aborted) return
      const options = await passkeys.entryOptions(tenant.value)
      renewal = setTimeout(renew, options.timeout * fresh)
      const shown = await showPasskey(options, signal)
      if (!signal.aborted) await accept(shown)
    } catch {
      // Nobody asked for anything: what stands in the way is said when the button is pressed.
    } finally {
      clearTimeout(renewal)
    }
  }

  function offer(): void {
    if (gone) return
    const abort = new AbortController()
    const before = current
    before?.abort.abort()
    current = { abort, over: wait(abort, before) }
  }

  /** Only where somebody looks: a page that was left open asks for no challenges. */
  function renew(): void {
    if (document.hidden) document.addEventListener('visibilitychange', renew, { once: true })
    else offer()
  }

  async function withdraw(): Promise<void> {
    current?.abort.abort()
    await current?.over
  }

  onMounted(offer)
  watch(tenant, offer)
  onUnmounted(() => {
    gone = true
    document.removeEventListener('visibilitychange', renew)
    void withdraw()
  })

  return { offer, withdraw }
}
