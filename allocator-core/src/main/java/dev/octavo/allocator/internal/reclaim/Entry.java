package dev.octavo.allocator.internal.reclaim;

import dev.octavo.allocator.internal.threads.Callbacks.Call;
import dev.octavo.allocator.reclaim.Shrinker;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/// A registered shrinker and its failures. Refers to no reclaimer, so that keeping a registration
/// keeps no allocator alive.
///
/// Only the thread that has set [#running] calls the shrinker and touches `isLogged`,
/// `throwsInARow` and `notBefore`.
final class Entry implements Shrinker.Registration {

  private final String label;

  /// The call that runs now, or null.
  final AtomicReference<@Nullable Call> running = new AtomicReference<>();

  /// Whether the call that runs is a scan.
  volatile boolean isScan;

  boolean isLogged;
  int throwsInARow;
  long notBefore;

  /// Null when it is closed.
  private volatile @Nullable Shrinker shrinker;

  private volatile @Nullable Object owner;

  Entry(String label, Shrinker shrinker, @Nullable Object owner) {
    this.label = label;
    this.shrinker = shrinker;
    this.owner = owner;
  }

  @Override
  public void close() {
    shrinker = null;
    owner = null;
  }

  String label() {
    return label;
  }

  boolean isOpen() {
    return shrinker != null;
  }

  @Nullable Shrinker shrinker() {
    return shrinker;
  }

  @Nullable Object owner() {
    return owner;
  }
}
