import { createTheme, type MantineColorsTuple } from "@mantine/core";

/** The blue of a magpie's wing, light to dark. */
const wing: MantineColorsTuple = [
  "#eaf3fc",
  "#d3e4f6",
  "#a5c8ee",
  "#74aae6",
  "#4d91df",
  "#3581db",
  "#2778da",
  "#1966c2",
  "#0d5bae",
  "#004e99",
];

export const theme = createTheme({
  primaryColor: "wing",
  primaryShade: { light: 8, dark: 5 },
  colors: { wing },
  defaultRadius: "md",
  fontFamily:
    'Inter, "Segoe UI", system-ui, "Noto Sans SC", "Noto Sans CJK SC", "PingFang SC", "Microsoft YaHei", sans-serif',
  headings: { fontWeight: "650" },
  focusRing: "auto",
  cursorType: "pointer",
});
