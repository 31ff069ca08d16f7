package dev.octavo.bench;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.State;

/// What a pair cannot go below as long as every free is checked by one CAS on the head of its
/// allocation: the store that makes a head, and the CAS that ends it, on one byte, and nothing
/// else.
@State(Scope.Thread)
public class FloorBenchmark extends AverageTimeBenchmark {

  private static final VarHandle BYTE = MethodHandles.arrayElementVarHandle(byte[].class);
  private static final int PAGE = 128;

  private final byte[] heads = new byte[2 * PAGE];

  /// Makes a head and ends it.
  @Benchmark
  public boolean storeAndCompareAndSet() {
    BYTE.setRelease(heads, PAGE, (byte) 1);
    return BYTE.compareAndSet(heads, PAGE, (byte) 1, (byte) 0);
  }
}
