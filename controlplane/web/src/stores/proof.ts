import { ref } from 'vue'

/** Asks whoever is logged in to show again who they are; settled by the dialog that waits for it. */
export function useProof() {
  const proving = ref<((done: boolean) => void) | null>(null)

  function ask(): Promise<boolean> {
    return new Promise((resolve) => {
      // Two operations at once wait for one answer.
      const before = proving.value
      proving.value = (done) => [before, resolve].forEach((one) => one?.(done))
    })
  }

  function finishProof(done: boolean): void {
    proving.value?.(done)
    proving.value = null
  }

  return { proving, ask, finishProof }
}
