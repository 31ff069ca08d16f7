package dev.octavo.allocator.oom;

import java.util.Collection;
import java.util.Set;

/// How much the release of an account would help one shortage.
@FunctionalInterface
interface Measure {

  /// Counts everything that an account uses itself.
  Measure OWN_USAGE = MemoryAccount::ownUsage;

  /// Returns the bytes that help if this account alone, without those below it, releases its
  /// memory.
  long byteSize(MemoryAccount account);

  /// Returns those of the units whose release as a whole helps.
  default Set<MemoryAccount> helpful(Collection<MemoryAccount> units) {
    return Set.copyOf(units);
  }

  /// Returns the sum over accounts, bytes.
  default long byteSize(Collection<MemoryAccount> accounts) {
    return accounts.stream().mapToLong(this::byteSize).sum();
  }
}
