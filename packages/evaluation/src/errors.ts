import { MagpieError } from "@magpie/domain";

/** An evaluation was asked for something that has no answer. */
export class EvaluationError extends MagpieError {}
