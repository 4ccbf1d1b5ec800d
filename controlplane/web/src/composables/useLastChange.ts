import { api } from '@/api/endpoints'
import { useFormat } from './useFormat'
import { useSession } from '@/stores/session'

/** Who saved a record last and how long ago, for the words of a conflict. Without the right to the audit: nobody named. */
export function useLastChange() {
  const session = useSession()
  const format = useFormat()

  return async (entityId: string): Promise<{ who: string; age: string }> => {
    if (!session.can('audit.read')) return { who: '', age: '' }
    const [last] = (await api.audit({ entity_id: entityId, limit: 1 })).items
    return last ? { who: last.actor_name || last.actor_kind, age: format.relative(last.occurred_at, Date.now()) } : { who: '', age: '' }
  }
}
