export { pt as default } from 'vuetify/locale'
