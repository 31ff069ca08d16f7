package dev.octavo.bench;

import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Warmup;

/// How everything is measured unless a class says otherwise: mean nanoseconds an operation, and a
/// JVM of its own for every row, so that no row runs on what the JIT learnt from another.
///
/// The JVM flags are what the peers ask for: native access for downcalls, `Unsafe` for Netty (which
/// otherwise falls back to slower ways) and Arrow, the fields of `java.nio` for Arrow. Give the
/// first two to the JVM that starts the forks, too, if it shall not warn of JMH itself.
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(
    value = 1,
    jvmArgsAppend = {
      "--enable-native-access=ALL-UNNAMED",
      "--sun-misc-unsafe-memory-access=allow",
      "--add-opens=java.base/java.nio=ALL-UNNAMED",
      "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn"
    })
abstract class AverageTimeBenchmark {}
