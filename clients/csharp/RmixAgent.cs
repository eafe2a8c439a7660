// One exported agent in C#, for Unity or any .NET program, on the package Microsoft.ML.OnnxRuntime (1.18 or newer).
// A sample: it is parsed in the tests of rmix-kit, and was neither compiled with that package nor run. Before you trust
// it, compare it with golden.npz of the exported folder, as that folder's README says.

using System;
using System.Collections.Generic;
using System.Linq;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;

namespace RmixKit
{
    /// <summary>What a step gave.</summary>
    public sealed class Step
    {
        /// <summary>The best allowed action; -1 where a guard refused the observation, the mask or the level.</summary>
        public long Action;
        /// <summary>The value of each action, allowed or not.</summary>
        public float[] ActionValues;
        /// <summary>The level that decided; 1 for agents without a dial.</summary>
        public float RiskLevelUsed = 1f;
        /// <summary>False where a guard refused; the memory is then as it was.</summary>
        public bool Valid;
    }

    /// <summary>One agent and its memory, for one thread and one episode at a time.</summary>
    public sealed class Agent : IDisposable
    {
        private static readonly string[] NoMemory = { "obs", "avail_actions", "risk_level" };
        private readonly InferenceSession session;
        private readonly RunOptions options = new RunOptions();
        private readonly string[] inputNames;
        private readonly string[] outputNames;
        private readonly long[] obsShape;
        private readonly Dictionary<string, float[]> memory = new Dictionary<string, float[]>();

        /// <summary>How many actions there are.</summary>
        public int ActionCount { get; }
        /// <summary>How many elements an observation has, in row-major order.</summary>
        public int ObservationSize { get; }
        /// <summary>Whether a risk level may be given.</summary>
        public bool HasDial { get; }

        /// <param name="path">agent_0.onnx of an exported folder.</param>
        public Agent(string path)
        {
            var settings = new SessionOptions { IntraOpNumThreads = 1, InterOpNumThreads = 1 };
            session = new InferenceSession(path, settings);
            inputNames = session.InputNames.ToArray();
            outputNames = session.OutputNames.ToArray();
            obsShape = ShapeOf("obs");
            ObservationSize = SizeOf("obs");
            ActionCount = SizeOf("avail_actions");
            HasDial = inputNames.Contains("risk_level");
            foreach (string name in inputNames.Except(NoMemory))
            {
                if (session.InputMetadata[name].ElementDataType != TensorElementType.Float)
                {
                    throw new NotSupportedException(name + " is no float memory; this sample carries float32 alone");
                }
                memory[name] = new float[SizeOf(name)];
            }
        }

        /// <summary>Begin an episode.</summary>
        public void Reset()
        {
            foreach (float[] array in memory.Values)
            {
                Array.Clear(array, 0, array.Length);
            }
        }

        /// <summary>Choose, and remember the choice.</summary>
        /// <typeparam name="T">The observation's own type: sbyte for int8, float for float32.</typeparam>
        /// <param name="obs">The observation as the environment gives it, flattened in row-major order.</param>
        /// <param name="availActions">True = allowed.</param>
        /// <param name="riskLevel">In (0, 1], 1 = risk-neutral; 0 leaves it to the agent.</param>
        public Step Act<T>(T[] obs, bool[] availActions, float riskLevel = 0f) where T : unmanaged
        {
            if (obs.Length != ObservationSize || availActions.Length != ActionCount)
            {
                throw new ArgumentException(
                    "got " + obs.Length + " elements and " + availActions.Length + " actions; expected "
                    + ObservationSize + " and " + ActionCount);
            }
            if (!HasDial && riskLevel != 0f)
            {
                throw new ArgumentException("this agent has no risk dial; leave riskLevel at 0");
            }
            var values = new List<OrtValue>();
            try
            {
                foreach (string name in inputNames)
                {
                    values.Add(Value(name, obs, availActions, riskLevel));
                }
                using (var results = session.Run(options, inputNames, values, outputNames))
                {
                    return Read(results);
                }
            }
            finally
            {
                foreach (OrtValue value in values)
                {
                    value.Dispose();
                }
            }
        }

        /// <summary>Tell what was done where it was not the proposed action.</summary>
        public void Executed(int action)
        {
            float[] last;
            if (memory.TryGetValue("last_action", out last))
            {
                Array.Clear(last, 0, last.Length);
                last[action] = 1f;
            }
        }

        /// <inheritdoc/>
        public void Dispose()
        {
            options.Dispose();
            session.Dispose();
        }

        private OrtValue Value<T>(string name, T[] obs, bool[] availActions, float riskLevel) where T : unmanaged
        {
            switch (name)
            {
                case "obs":
                    return OrtValue.CreateTensorValueFromMemory(obs, obsShape);
                case "avail_actions":
                    return OrtValue.CreateTensorValueFromMemory(availActions, new long[] { 1, ActionCount });
                case "risk_level":
                    return OrtValue.CreateTensorValueFromMemory(new[] { riskLevel }, new long[] { 1 });
                default:
                    return OrtValue.CreateTensorValueFromMemory(memory[name], ShapeOf(name));
            }
        }

        private Step Read(IEnumerable<OrtValue> results)
        {
            var step = new Step();
            int place = 0;
            foreach (OrtValue value in results)
            {
                string name = outputNames[place++];
                switch (name)
                {
                    case "action":
                        step.Action = value.GetTensorDataAsSpan<long>()[0];
                        break;
                    case "action_values":
                        step.ActionValues = value.GetTensorDataAsSpan<float>().ToArray();
                        break;
                    case "risk_level_used":
                        step.RiskLevelUsed = value.GetTensorDataAsSpan<float>()[0];
                        break;
                    case "valid":
                        step.Valid = value.GetTensorDataAsSpan<bool>()[0];
                        break;
                    default: // next_NAME is NAME of the next step
                        value.GetTensorDataAsSpan<float>().CopyTo(memory[name.Substring("next_".Length)]);
                        break;
                }
            }
            return step;
        }

        private long[] ShapeOf(string name)
        {
            long[] shape = session.InputMetadata[name].Dimensions.Select(size => (long)size).ToArray();
            shape[0] = 1; // the batch
            return shape;
        }

        private int SizeOf(string name)
        {
            return (int)ShapeOf(name).Aggregate(1L, (product, size) => product * size);
        }
    }
}
