/** Who is logged in, for which tenant, with which permissions. */
import { computed, ref } from 'vue'
import { defineStore } from 'pinia'
import { api } from '@/api/endpoints'
import { onSessionEnded, onStepUp, setCsrfToken } from '@/api/client'
import { unlessNobody } from '@/api/problem'
import type { SecondFactorWanted, Session, SignInReturned } from '@/api/types'
import { countryFormat } from '@/format/country'
import { useProof } from './proof'

export const useSession = defineStore('session', () => {
  const session = ref<Session | null>(null)
  /** The server forgot us while a page was open: the page stays, a log-in card goes over it. */
  const ended = ref(false)

  const user = computed(() => session.value?.user ?? null)
  const tenant = computed(() => session.value?.tenant ?? null)
  const country = computed(() => countryFormat(session.value?.tenant.country ?? ''))
  /** Of the ISP; where there is none, of the browser. */
  const zone = computed(() => session.value?.tenant.time_zone ?? Intl.DateTimeFormat().resolvedOptions().timeZone)
  /** An operator of the installation is here, and no user. */
  const visit = computed(() => session.value?.visit ?? null)
  /** Why nothing can be changed here; null when it can. Visitors are the installation's: it does not hold for them. */
  const readOnly = computed(() => {
    const one = session.value
    return one && !one.visit && one.tenant.state === 'read_only' ? { reason: one.tenant.state_reason ?? '', since: one.tenant.state_since ?? null } : null
  })

  /** Who is in now, as the server answered. */
  function adopt(next: Session): void {
    session.value = next
    ended.value = false
    setCsrfToken(next.csrf_token)
  }

  /** Reads the session of the cookie; false when there is none. Other failures are thrown. */
  async function load(): Promise<boolean> {
    const found = await unlessNobody(api.session.read())
    if (found) adopt(found)
    return found !== null
  }

  /** Null when the person is in; else what a code of the second factor has to be sent with. */
  async function logIn(credentials: { tenant?: string; email: string; password: string }): Promise<SecondFactorWanted | null> {
    return taken(await api.session.create(credentials))
  }

  /** The same, with what an identity provider sent the browser back with. */
  async function signedIn(returned: SignInReturned): Promise<SecondFactorWanted | null> {
    return taken(await api.session.endSignIn(returned))
  }

  function taken(answer: Session | SecondFactorWanted): SecondFactorWanted | null {
    if ('challenge' in answer) return answer
    adopt(answer)
    return null
  }

  async function secondFactor(challenge: string, code: string): Promise<void> {
    adopt(await api.session.secondFactor(challenge, code))
  }

  async function logOut(): Promise<void> {
    await api.session.remove()
    session.value = null
    setCsrfToken('')
  }

  function can(permission: string): boolean {
    const held = session.value?.permissions ?? []
    // An owner's session names no list: `*` is everything.
    return held.includes('*') || held.includes(permission)
  }

  const { proving, ask, finishProof } = useProof()

  async function stepUp(password: string): Promise<void> {
    adopt(await api.session.stepUp(password))
  }

  // A visit began with the operator's proof and gets no other.
  onStepUp(() => (visit.value ? Promise.resolve(false) : ask()))
  onSessionEnded(() => {
    if (session.value) ended.value = true
  })

  return { session, ended, proving, adopt, stepUp, finishProof, user, tenant, country, zone, visit, readOnly, load, logIn, signedIn, secondFactor, logOut, can }
})
