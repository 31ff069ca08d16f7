package dev.octavo.allocator;

/// How much a [PageAllocator] checks.
///
/// | | [#NONE] | [#BASIC] | [#FULL] |
/// |---|---|---|---|
/// | bad frees, each by its reason | yes, unless two calls race for one allocation | yes | yes, with the place of the first free |
/// | live allocations | counted | counted | with the place in the program |
/// | writes behind an allocation, or after it was freed | | | found |
/// | cost of a free | a load and a store less than BASIC | a CAS | a walk of the stack and a fill of its memory |
/// | words of a thread's own | yes | yes | no |
///
/// Arguments are checked against the bounds of the region in every grade.
public enum CheckLevel {
  /// The caller is trusted never to free, trim or resize one allocation in two threads at the same
  /// time: then both calls may succeed, and the pages be handed out twice. Everything else that is
  /// wrong with a free is found as in [#BASIC]; a double free, too, if the second call starts after
  /// the first is done.
  NONE,

  /// Every bad free is found, racing ones included.
  BASIC,

  /// For tests and for hunting faults. In addition to [#BASIC] the allocator
  ///
  /// - fills the rest of the last page of each allocation and looks at it when the allocation is
  ///   freed, trimmed or resized;
  /// - fills freed memory and looks at it before it is allocated again, and at the end;
  /// - keeps freed memory from being allocated again for a while, up to 1/16 of the capacity, and
  ///   no longer than any other call needs it;
  /// - remembers where each allocation was made and freed.
  ///
  /// What it finds is thrown as [CorruptedMemoryException]. It reads and writes the memory that it
  /// manages, unless that is read-only or not accessible to the calling thread. Calls take locks
  /// for short times and create objects. What a thread may keep to itself is set to nothing.
  FULL
}
