import { useI18n } from 'vue-i18n'

/** Names of roles without asking the server: a built-in one is translated, another keeps its key. */
export function useRoleNames(): (key: string) => string {
  const { t, te } = useI18n()
  return (key) => (te(`user.roles.${key}`) ? t(`user.roles.${key}`) : key)
}
