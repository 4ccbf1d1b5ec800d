import { computed, provide, ref, watch } from 'vue'
import { useQuery } from '@tanstack/vue-query'
import { useI18n } from 'vue-i18n'
import { onBeforeRouteLeave, onBeforeRouteUpdate } from 'vue-router'
import { findings, fromTexts, toChange, toDraft, toTexts, type TenantDraft } from './tenantDraft'
import { api } from '@/api/endpoints'
import { keys } from '@/api/keys'
import { ApiError } from '@/api/problem'
import { queryClient } from '@/api/queryClient'
import { useConflict } from '@/composables/useConflict'
import { useFormat } from '@/composables/useFormat'
import { formKey, useForm } from '@/composables/useForm'
import { useSession } from '@/stores/session'
import { useUi } from '@/stores/ui'
import type { Tenant } from '@/api/types'

/** What `TenantForm` shows. */
export type TenantSettingsForm = ReturnType<typeof useTenantForm>

/**
 * Some of an ISP's settings as a form. Only what was changed is sent, from the version that was read; when somebody else saved
 * meanwhile, a person chooses. What was typed is not left without asking, and what the server says is taken over only while
 * nobody is typing.
 */
export function useTenantForm(fields: readonly (keyof TenantDraft)[]) {
  const { t } = useI18n()
  const session = useSession()
  const ui = useUi()
  const format = useFormat()
  const query = useQuery({ queryKey: keys.tenant, queryFn: api.tenant.read })
  const tenant = computed(() => query.data.value?.data)
  const draft = ref<TenantDraft | null>(null)
  const read = ref<TenantDraft | null>(null)
  /** Version that the draft is made from. */
  const etag = ref<string | null>(null)
  const form = useForm(fields)
  const conflict = useConflict()
  provide(formKey, form)
  const dirty = computed(() => draft.value !== null && JSON.stringify(draft.value) !== JSON.stringify(read.value))

  function asDraft(one: Tenant): TenantDraft {
    return toDraft(one, (amount) => format.amount({ amount, currency: one.currency }), session.country.decimal)
  }

  function take(one: Tenant, version: string | null): void {
    draft.value = asDraft(one)
    read.value = asDraft(one)
    etag.value = version
    conflict.forget()
    form.reset()
  }
  watch(
    () => query.data.value,
    (answer) => {
      if (!answer) return
      if (!dirty.value) take(answer.data, answer.etag)
      // What changed is nothing that is typed here, such as the logo: what is typed is made from this version as well.
      else if (JSON.stringify(asDraft(answer.data)) === JSON.stringify(read.value)) etag.value = answer.etag
    },
    { immediate: true },
  )
  const mayLeave = () => !dirty.value || window.confirm(t('form.leave'))
  onBeforeRouteLeave(mayLeave)
  // The other tabs are the same page under another address.
  onBeforeRouteUpdate((to, from) => to.path === from.path || mayLeave())

  /** The choice becomes the draft, made from what they saved. */
  function settle(now: TenantDraft, before: TenantDraft): void {
    const settled = conflict.settle(toTexts(before), toTexts(now))
    if (!settled) return
    read.value = fromTexts(settled.base, before)
    draft.value = fromTexts(settled.draft, now)
  }

  async function compare(now: TenantDraft, before: TenantDraft): Promise<void> {
    const answer = await api.tenant.read()
    etag.value = answer.etag
    await conflict.compare(answer.data.id, toTexts(before), toTexts(now), toTexts(asDraft(answer.data)))
  }

  async function save(): Promise<void> {
    if (draft.value && read.value) settle(draft.value, read.value)
    const [one, now, before] = [tenant.value, draft.value, read.value]
    if (!one || !now || !before) return
    const wrong = Object.entries(findings(now, one.currency)).map(([field, key]) => [field, t(key)])
    if (!form.check(Object.fromEntries(wrong))) return
    await form.submit(async () => {
      try {
        const saved = await api.tenant.update(toChange(now, before, one.currency), etag.value)
        take(saved, `"${saved.version}"`)
      } catch (cause) {
        if (!(cause instanceof ApiError) || cause.status !== 412) throw cause
        return compare(now, before)
      }
      ui.toast(t('toast.saved'))
      await Promise.all([queryClient.invalidateQueries({ queryKey: keys.tenant }), session.load()])
    })
  }

  function discard(): void {
    if (query.data.value) take(query.data.value.data, query.data.value.etag)
  }

  return { query, tenant, draft, form, conflict, dirty, save, discard }
}
