package dev.octavo.allocator.internal.cache;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;

/// Gives each thread a slot number, in the order in which threads arrive: the first thread gets
/// slot 0, so that a program with one thread places its pages the same way every time.
///
/// No state a thread: a table maps hashed thread ids, so a million virtual threads leave nothing
/// behind. Threads whose ids share an entry share a slot, which is safe and only costs contention.
final class SlotTable {

  private static final int ENTRIES = 1 << 10;
  private static final int UNASSIGNED = 0;

  private static final VarHandle ENTRY = MethodHandles.arrayElementVarHandle(int[].class);
  private static final VarHandle ARRIVALS;

  static {
    try {
      ARRIVALS = MethodHandles.lookup().findVarHandle(SlotTable.class, "arrivals", int.class);
    } catch (ReflectiveOperationException e) {
      throw new ExceptionInInitializerError(e);
    }
  }

  /// Slot number plus one by hashed thread id. Written once an entry, by CAS; read plainly, as the
  /// number is all there is to see.
  private final int[] entries = new int[ENTRIES];

  private final int slotCount;

  /// Entries assigned so far; atomic add.
  @SuppressWarnings("unused") // by ARRIVALS
  private int arrivals;

  /// @param slotCount how many slots there are, at least 1
  SlotTable(int slotCount) {
    this.slotCount = slotCount;
  }

  /// The slot number of the thread with this id, in 0..slotCount-1.
  int slotOf(long threadId) {
    int index = (int) threadId & ENTRIES - 1;
    int entry = entries[index];
    return entry != UNASSIGNED ? entry - 1 : assign(index);
  }

  private int assign(int index) {
    int arrival = (int) ARRIVALS.getAndAdd(this, 1);
    int slot = Integer.remainderUnsigned(arrival, slotCount);
    int seen = (int) ENTRY.compareAndExchange(entries, index, UNASSIGNED, slot + 1);
    return seen == UNASSIGNED ? slot : seen - 1;
  }
}
