import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

export default defineConfig({
  plugins: [react()],
  build: {
    target: "es2022",
    // Chunks for what changes rarely, so that a new storefront does not reload the libraries; those of
    // the search page are loaded with it.
    rolldownOptions: {
      output: {
        codeSplitting: {
          groups: [
            {
              name: "search-libraries",
              test: /node_modules\/(.*instantsearch|algoliasearch|qs\/)/,
            },
            { name: "libraries", test: /node_modules/ },
          ],
        },
      },
    },
    chunkSizeWarningLimit: 900,
  },
  server: { proxy: { "/v1": process.env["MAGPIE_URL"] ?? "http://127.0.0.1:7700" } },
});
