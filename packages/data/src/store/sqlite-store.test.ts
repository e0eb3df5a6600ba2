import { openStore } from "./sqlite-store.ts";
import { behavesAsStore } from "./store.suite.ts";

behavesAsStore("SQLite", (directory) => openStore(directory, { segmentEvents: 8 }));
