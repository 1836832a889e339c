import { createI18n } from 'vue-i18n'

export type Language = 'zh' | 'en'

const key = 'hotline.language'

/** The language that was chosen here before, else the browser's, else Chinese. */
export function preferredLanguage(): Language {
  const kept = localStorage.getItem(key)
  if (kept === 'zh' || kept === 'en') return kept
  return navigator.language.startsWith('en') ? 'en' : 'zh'
}

/** Makes the translator of one page; `en` has the type of `zh`, so that a missing text fails the build. */
export function makeI18n<T extends object>(zh: T, en: T) {
  const i18n = createI18n({ legacy: false, locale: preferredLanguage(), fallbackLocale: 'zh', messages: { zh, en } as never })
  document.documentElement.lang = preferredLanguage() === 'zh' ? 'zh-CN' : 'en'
  return i18n
}

/** Keeps the choice and reloads nothing: texts change in place. */
export function rememberLanguage(language: Language): void {
  localStorage.setItem(key, language)
  document.documentElement.lang = language === 'zh' ? 'zh-CN' : 'en'
}
