/** Which operator of the installation is logged in: another person than a user of an ISP, with another cookie. */
import { ref } from 'vue'
import { defineStore } from 'pinia'
import { onSessionEnded, onStepUp, setCsrfToken } from '@/api/client'
import { platform } from '@/api/platform'
import { unlessNobody } from '@/api/problem'
import type { OperatorSessionInfo } from '@/api/types'
import { useProof } from './proof'

export const useOperator = defineStore('operator', () => {
  const session = ref<OperatorSessionInfo | null>(null)
  /** The server forgot us while a page was open. */
  const ended = ref(false)
  const { proving, ask, finishProof } = useProof()

  function adopt(next: OperatorSessionInfo): void {
    session.value = next
    ended.value = false
    setCsrfToken(next.csrf_token, 'platform')
  }

  /** Reads the session of the operator's cookie, if there is one. */
  async function load(): Promise<void> {
    const found = await unlessNobody(platform.session.read())
    if (found) adopt(found)
  }

  async function logIn(credentials: { email: string; password: string; code?: string }): Promise<void> {
    adopt(await platform.session.create(credentials))
  }

  async function logOut(): Promise<void> {
    await platform.session.remove()
    session.value = null
    setCsrfToken('', 'platform')
  }

  onStepUp(ask, 'platform')
  onSessionEnded(() => {
    if (session.value) ended.value = true
  }, 'platform')

  return { session, ended, proving, finishProof, load, logIn, logOut }
})
