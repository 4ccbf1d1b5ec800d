/// <reference types="vitest/config" />
import { fileURLToPath, URL } from 'node:url'
import VueI18nPlugin from '@intlify/unplugin-vue-i18n/vite'
import vue from '@vitejs/plugin-vue'
import { defineConfig } from 'vite'
import vuetify from 'vite-plugin-vuetify'

const server = process.env.ATALAYA_URL ?? 'http://127.0.0.1:8080'

export default defineConfig({
  plugins: [
    vue(),
    vuetify({ autoImport: true }),
    VueI18nPlugin({
      include: ['locales/*.json', 'parts/*.*.json'].map((files) => fileURLToPath(new URL(`./src/i18n/${files}`, import.meta.url))),
      // Messages are compiled here, so the page never needs `eval` (strict CSP).
      runtimeOnly: true,
      compositionOnly: true,
      dropMessageCompiler: true,
      // Its components and directives are not used, only `t`.
      fullInstall: false,
    }),
  ],
  resolve: { alias: { '@': fileURLToPath(new URL('./src', import.meta.url)) } },
  // The server replaces this word by a fresh nonce in every answer that carries index.html.
  html: { cspNonce: '__CSP_NONCE__' },
  build: {
    target: 'es2022',
    // `data:` URLs would need an exception in the content security policy.
    assetsInlineLimit: 0,
    // Hashed names are served as immutable, so the size report belongs to `check:size`.
    reportCompressedSize: false,
  },
  server: { proxy: { '/api': { target: server, changeOrigin: true } } },
  test: { include: ['tests/**/*.test.ts'], environment: 'node' },
})
