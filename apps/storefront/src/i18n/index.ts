import { createInstance } from "i18next";
import { initReactI18next } from "react-i18next";
import { en } from "./en.ts";
import { zh } from "./zh.ts";

export const languages = ["en", "zh"] as const;
export type Language = (typeof languages)[number];
export const languageNames: Record<Language, string> = { en: "English", zh: "中文" };

const stored = localStorage.getItem("magpie.language");
const preferred = navigator.language.toLowerCase().startsWith("zh") ? "zh" : "en";

/** The page's language: what the shopper chose, else the browser's, else English. */
export const initialLanguage: Language = stored === "en" || stored === "zh" ? stored : preferred;

export async function startTranslation(): Promise<void> {
  const translation = createInstance();
  translation.on("languageChanged", (language) => {
    document.documentElement.lang = language === "zh" ? "zh-CN" : "en";
    localStorage.setItem("magpie.language", language);
  });
  await translation.use(initReactI18next).init({
    resources: { en: { translation: en }, zh: { translation: zh } },
    lng: initialLanguage,
    fallbackLng: "en",
    interpolation: { escapeValue: false }, // React escapes
  });
}
