/** What can be a logo, as far as a browser can tell before it is sent; the server looks at the bytes. */

/** Most bytes of a logo. */
export const mostLogoBytes = 100_000
/** Media types, for the browser's chooser. */
export const logoTypes = 'image/png,image/webp'

/** Last part of the key that says why it would be refused; null when it may fit. */
export function refusalOf(file: { size: number; type: string }): 'required' | 'too_large' | 'file_type' | null {
  if (file.size === 0) return 'required'
  if (!logoTypes.split(',').includes(file.type)) return 'file_type'
  return file.size > mostLogoBytes ? 'too_large' : null
}
