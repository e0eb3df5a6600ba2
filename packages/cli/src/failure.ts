import { MagpieError, type ErrorKind } from "@magpie/domain";

/** What scripts can rely on. */
export const exitCodes = {
  ok: 0,
  /** Wrong input or wrong use of the command. */
  invalid: 2,
  notFound: 3,
  /** The state does not allow it now: a folder in use, nothing to roll back to. */
  conflict: 4,
  /** Ours to mend or to wait for. */
  unavailable: 5,
  /** Ctrl-C. */
  interrupted: 130,
} as const;

const codeOfKind: Readonly<Record<ErrorKind, number>> = {
  invalid: exitCodes.invalid,
  "too-large": exitCodes.invalid,
  "not-found": exitCodes.notFound,
  conflict: exitCodes.conflict,
  unauthorized: exitCodes.unavailable,
  forbidden: exitCodes.unavailable,
  "rate-limited": exitCodes.unavailable,
  unavailable: exitCodes.unavailable,
};

/** A failure as the terminal and `--json` tell it. */
export interface Failure {
  readonly code: string;
  readonly message: string;
  readonly hint: string;
  readonly exitCode: number;
}

/** Errors of the operating system that a person can act on. */
const systemErrors: Readonly<Record<string, { code: string; hint: string; exitCode: number }>> = {
  ENOENT: {
    code: "FILE_NOT_FOUND",
    hint: "Check the path; relative paths start where you are.",
    exitCode: exitCodes.notFound,
  },
  EISDIR: {
    code: "IS_A_FOLDER",
    hint: "Name a file; to import several, name each or use a pattern of your shell.",
    exitCode: exitCodes.invalid,
  },
  EACCES: {
    code: "NOT_ALLOWED",
    hint: "Check who owns the file or folder, or choose another.",
    exitCode: exitCodes.unavailable,
  },
  ENOSPC: {
    code: "DISK_FULL",
    hint: "Free some space and run the command again; nothing half-done was kept.",
    exitCode: exitCodes.unavailable,
  },
};

/** Puts any thrown value into words and an exit code. */
export function failureOf(error: unknown, interrupted: boolean): Failure {
  if (interrupted) {
    return {
      code: "INTERRUPTED",
      message: "Interrupted.",
      hint: "What was finished is kept. Run the same command again to go on from there.",
      exitCode: exitCodes.interrupted,
    };
  }
  if (error instanceof MagpieError) {
    const { code, message, hint, kind } = error;
    return { code, message, hint, exitCode: codeOfKind[kind] };
  }
  const message = error instanceof Error ? error.message : String(error);
  const system = systemErrors[(error as NodeJS.ErrnoException).code ?? ""];
  if (system !== undefined) return { message, ...system };
  return {
    code: "INTERNAL",
    message,
    hint: "This is a fault of Magpie. Run again with --debug and report what it prints.",
    exitCode: exitCodes.unavailable,
  };
}
