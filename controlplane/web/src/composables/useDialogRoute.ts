import { computed, type WritableComputedRef } from 'vue'
import { useRoute, useRouter } from 'vue-router'

/** An open dialog is part of the address (`do=pay`): a shared link opens it, Back closes it. */
export function useDialogRoute(name: string): WritableComputedRef<boolean> {
  const route = useRoute()
  const router = useRouter()
  return computed({
    get: () => route.query['do'] === name,
    set: (open) => {
      const query = { ...route.query }
      if (open) query['do'] = name
      else delete query['do']
      void (open ? router.push({ query }) : router.replace({ query }))
    },
  })
}
