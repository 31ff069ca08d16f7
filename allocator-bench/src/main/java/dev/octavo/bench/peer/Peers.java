package dev.octavo.bench.peer;

import java.util.List;

/// All peers, by the names under which figures are reported.
///
/// | name | what is called |
/// |---|---|
/// | octavoRun | `PageAllocator.allocatePageRun`, `freePageRun`; page numbers only |
/// | octavoSegment | `PageAllocator.allocate`, `free` |
/// | octavoTry | `PageAllocator.tryAllocate`, `free` |
/// | jdkConfined | `Arena.ofConfined`, `allocate`, `close`: zeroed, own thread only |
/// | jdkShared | `Arena.ofShared`, `allocate`, `close`: zeroed |
/// | nettyPooled | `PooledByteBufAllocator.directBuffer`, `release` |
/// | nettyAdaptive | `AdaptiveByteBufAllocator.directBuffer`, `release` |
/// | arrow | `RootAllocator.buffer`, `close`, over `Unsafe` |
/// | malloc | C's `malloc`, `free`, critical downcalls |
/// | mimalloc | `mi_malloc`, `mi_free`, critical downcalls; may be absent |
/// | lockedBuddy | Linux's policy under a lock; page numbers only |
public final class Peers {

  /// The one peer that is no part of a JDK or of a Maven repository.
  public static final String MIMALLOC = "mimalloc";

  /// All names.
  public static final List<String> NAMES =
      List.of(
          "octavoRun",
          "octavoSegment",
          "octavoTry",
          "jdkConfined",
          "jdkShared",
          "nettyPooled",
          "nettyAdaptive",
          "arrow",
          "malloc",
          MIMALLOC,
          "lockedBuddy");

  /// What a peer of fixed capacity has beyond the live bytes, for blocks of other sizes.
  private static final long SPARE_BYTES = 64 << 20;

  private Peers() {}

  /// Says whether this peer can be opened on this machine.
  ///
  /// @throws IllegalArgumentException if there is no peer of that name
  public static boolean isPresent(String name) {
    if (!NAMES.contains(name)) {
      throw unknown(name);
    }
    return !name.equals(MIMALLOC) || Mimalloc.isPresent();
  }

  /// Opens a peer. Those that manage a region get one of a quarter more than what will be live.
  ///
  /// @param name one of [#NAMES]
  /// @param liveBytes what all threads together will hold at once, each buffer rounded up to pages
  /// @throws IllegalArgumentException if there is no peer of that name
  /// @throws IllegalStateException if it is not present
  public static Peer open(String name, long liveBytes) {
    if (!isPresent(name)) {
      throw new IllegalStateException("peer not on this machine: name=" + name);
    }
    long capacity = (long) Sizes.pages(liveBytes + liveBytes / 4 + SPARE_BYTES) * Sizes.PAGE_BYTES;
    return switch (name) {
      case "octavoRun" -> new OctavoRunPeer(capacity);
      case "octavoSegment" -> new OctavoSegmentPeer(capacity);
      case "octavoTry" -> new OctavoTryPeer(capacity);
      case "jdkConfined" -> new ArenaPeer(false);
      case "jdkShared" -> new ArenaPeer(true);
      case "nettyPooled" -> NettyPeer.pooled();
      case "nettyAdaptive" -> NettyPeer.adaptive();
      case "arrow" -> new ArrowPeer();
      case "malloc" -> new MallocPeer();
      case MIMALLOC -> new MimallocPeer();
      case "lockedBuddy" -> new LockedBuddyPeer(capacity);
      default -> throw unknown(name);
    };
  }

  private static IllegalArgumentException unknown(String name) {
    return new IllegalArgumentException("unknown peer: name=" + name);
  }
}
