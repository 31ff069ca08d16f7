package dev.octavo.allocator;

import dev.octavo.allocator.internal.checks.Corruption;
import dev.octavo.allocator.internal.checks.Site;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// Thrown with [CheckLevel#FULL] when a byte was found that nobody had a right to write. It was
/// written at some time before, not by the call that throws.
///
/// The causes say where the memory was freed and where it was allocated. Suppressed are exceptions
/// of the same kind for what the same call found elsewhere.
///
/// | reason | thrown by | afterwards |
/// |---|---|---|
/// | [Reason#OVERRUN] | `free`, `trim`, `resize` and their like, for their own allocation | nothing has changed, the allocation is live, and the next such call fails again |
/// | [Reason#USE_AFTER_FREE] | the call that would have allocated the memory or made it allocatable, whoever makes it; `assertNoLeaks`; `close` | nothing was allocated, the memory is free and its pattern restored: each write is reported once |
@SuppressWarnings("exports") // of @Nullable, which users need not have
public final class CorruptedMemoryException extends RuntimeException {

  /// What was done to the memory.
  public enum Reason {
    /// Bytes between the end of an allocation and the end of its last page were written.
    OVERRUN,
    /// Bytes of free memory were written.
    USE_AFTER_FREE
  }

  private static final long serialVersionUID = 1L;

  /// What was done.
  private final Reason reason;

  /// The first page.
  private final long page;

  /// Where the byte is.
  private final long byteOffset;

  private final transient @Nullable Site allocated;
  private final transient @Nullable Site freed;

  private CorruptedMemoryException(
      String message, Throwable cause, Reason reason, Corruption found) {
    super(message, cause);
    this.reason = reason;
    page = found.page();
    byteOffset = found.byteOffset();
    allocated = found.allocatedAt();
    freed = found.freedAt();
  }

  static CorruptedMemoryException of(String name, Corruption found) {
    Site freed = found.freedAt();
    Throwable cause = found.allocatedAt().toThrowable("allocated", null);
    Reason reason = Reason.OVERRUN;
    String rule = "written behind the end of an allocation";
    if (freed != null) {
      cause = freed.toThrowable("freed", cause);
      reason = Reason.USE_AFTER_FREE;
      rule = "written after it was freed";
    }
    String message =
        "%s: page=%d, pages=%d, byteSize=%d, byteOffset=%d, value=0x%02x, name=%s"
            .formatted(
                rule,
                found.page(),
                found.pages(),
                found.byteSize(),
                found.byteOffset(),
                found.value(),
                name);
    return new CorruptedMemoryException(message, cause, reason, found);
  }

  /// What was done to the memory.
  ///
  /// @return the reason
  public Reason reason() {
    return reason;
  }

  /// The first page of the allocation, or of the memory that one call freed.
  ///
  /// @return its index, 0-based
  public long page() {
    return page;
  }

  /// Where the first such byte is.
  ///
  /// @return bytes from the start of [#page]
  public long byteOffset() {
    return byteOffset;
  }

  /// Where the memory was allocated last.
  ///
  /// @return up to 8 frames, innermost first, none of the library's; empty after deserialization
  public List<StackTraceElement> allocationSite() {
    return allocated == null ? List.of() : allocated.frames();
  }

  /// Where the memory was freed.
  ///
  /// @return up to 8 frames, innermost first, none of the library's; empty if it is live, and after
  ///   deserialization
  public List<StackTraceElement> freeSite() {
    return freed == null ? List.of() : freed.frames();
  }
}
