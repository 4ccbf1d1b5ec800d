import type { InjectionKey, Ref } from 'vue'

/** Whose pages these are, in the title of the window, where they are not an ISP's. */
export const pageOwner: InjectionKey<Ref<string>> = Symbol('page owner')
