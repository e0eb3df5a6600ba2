import { ExactVectorIndex } from "./exact.ts";
import { behavesAsVectorIndex } from "./vector-index.suite.ts";

behavesAsVectorIndex("the exact index", (vectors, width) => new ExactVectorIndex(vectors, width));
