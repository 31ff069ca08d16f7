package dev.octavo.allocator.internal.region;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/// The memory of one allocator, until it goes back.
///
/// | view | of | ends |
/// |---|---|---|
/// | [#memory] | the allocator itself, and arenas, which give it an end of their own | when the memory goes back |
/// | [#segments] | all other segments | when the allocator is closed |
///
/// They are two because an arena may outlive the allocator: its segments end when their owner
/// closes it, and until then the memory must stay. They are the same where nothing can have an end
/// of its own, for want of native access; where the memory is the caller's; and where it is a file,
/// as only a segment of the mapping itself can be [forced][MemorySegment#force].
public final class OpenRegion {

  private final RegionMemory source;
  private final @Nullable MemorySegment memory;
  private final @Nullable MemorySegment segments;

  /// What ends the segments, or null if only the memory does.
  private final @Nullable Arena session;

  private final AtomicBoolean isBack = new AtomicBoolean();

  /// @param byteSize how much of it is used
  /// @param nativeAccess whether segments may have an end of their own
  public OpenRegion(RegionMemory source, long byteSize, boolean nativeAccess) {
    this.source = source;
    MemorySegment all = source.segment();
    memory = all == null ? null : all.asSlice(0, byteSize);
    boolean isOurs = memory != null && source.owner() != null && !memory.isMapped();
    session = isOurs && nativeAccess ? Arena.ofShared() : null;
    segments = session == null ? memory : withEnd(memory, session);
  }

  @SuppressWarnings("restricted") // called only if native access is granted
  private static @Nullable MemorySegment withEnd(@Nullable MemorySegment all, Arena session) {
    return all == null ? null : all.reinterpret(session, null);
  }

  /// All memory, or null if there is none.
  public @Nullable MemorySegment memory() {
    return memory;
  }

  /// The same, as users get slices of it.
  public @Nullable MemorySegment segments() {
    return segments;
  }

  public long zeroFrom() {
    return source.zeroFrom();
  }

  public @Nullable Discard discard() {
    return source.discard();
  }

  /// Has all segments fail from now on, if they have an end of their own.
  ///
  /// @return false if a native call is using one
  public boolean endSegments() {
    return session == null || end(session);
  }

  /// Gives the memory back; again does nothing.
  ///
  /// @return false if a native call is using a segment of it
  public boolean giveBack() {
    if (!isBack.compareAndSet(false, true)) {
      return true;
    }
    boolean back = ends(source::close);
    isBack.set(back);
    return back;
  }

  /// Ends a session, if it is not over already.
  ///
  /// @return false if a native call is using a segment of it
  public static boolean end(Arena session) {
    return !session.scope().isAlive() || ends(session::close);
  }

  private static boolean ends(Runnable close) {
    try {
      close.run();
      return true;
    } catch (IllegalStateException e) {
      return false;
    }
  }
}
