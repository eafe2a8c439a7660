/** Arrays are flat and row-major, `[batch, ...]`. */

export type Numbers =
  | Float32Array | Int8Array | Uint8Array | Int16Array | Int32Array | BigInt64Array;

/** One agent's specification, as `manifest.json` has it. */
export interface PolicySpec {
  agent_id: string;
  agent_index: number;
  n_agents: number;
  algorithm: string;
  obs: TensorSpec;
  n_actions: number;
  action_meanings: string[];
  carry: TensorSpec[];
  is_risk_aware: boolean;
  default_risk_level: number | null;
  n_risk_levels: number | null;
  value_kind: string;
}

export interface TensorSpec {
  name: string;
  shape: number[];
  dtype: string;
  low: (number | "inf" | "-inf")[] | null;
  high: (number | "inf" | "-inf")[] | null;
  description: string;
}

export interface Answer {
  /** `[batch]`; -1 where not valid. */
  action: Int32Array;
  /** `[batch, action]`, of actions that are not allowed too. */
  actionValues: Float32Array;
  /** `[batch]`; null for policies without a dial. */
  riskLevelUsed: Float32Array | null;
  /** `[batch]`; 0 where the policy refused the inputs. */
  valid: Uint8Array;
}

export interface Options {
  /** Episodes side by side, each with its own memory; 1 by default. */
  batch?: number;
  /** What a refused row does: "throw" (the default), or "return" action -1 and `valid` 0. */
  onInvalid?: "throw" | "return";
  /** Handed to `InferenceSession.create`. */
  sessionOptions?: object;
}

export type Level = number | Float32Array;

export interface Team {
  readonly agents: string[];
  readonly specs: Record<string, PolicySpec>;
  readonly manifest: Record<string, unknown>;
  readonly batch: number;
  /**
   * Return each named agent's answer; agents that are gone may be left out.
   *
   * @param observations `[batch, ...]` by agent id, in the type that the specification names; bool as Uint8Array.
   * @param availActions `[batch, action]` by agent id, 1 = allowed.
   * @param riskLevel in (0, 1], 1 = risk-neutral; 0 = the policies' own choice. One for all, or by agent id.
   */
  act(
    observations: Record<string, Numbers>,
    availActions: Record<string, Uint8Array>,
    riskLevel?: number | Record<string, Level>,
  ): Promise<Record<string, Answer>>;
  /** Begin an episode: everywhere, or in the rows that are 1. */
  reset(rows?: Uint8Array | null): void;
  /** Tell what was done where it was not the proposed action; -1 leaves a row as it is. */
  executed(actions: Record<string, number | Int32Array>): void;
  /** Repeat the folder's golden steps; moves no memory. Throws BundleError at the first difference. */
  check(): Promise<Record<string, { steps: number; largest: number }>>;
  release(): Promise<void>;
}

export class BundleError extends Error {}
export class InputError extends Error {}
export class RefusedError extends Error {}

export const TOLERANCE: number;
export const TIE: number;

/**
 * Open the agents of an exported folder.
 *
 * @param ort onnxruntime-web or onnxruntime-node.
 * @param read gives the bytes of a file of the folder by its name.
 */
export function openTeam(
  ort: unknown,
  read: (name: string) => Promise<Uint8Array>,
  options?: Options,
): Promise<Team>;
