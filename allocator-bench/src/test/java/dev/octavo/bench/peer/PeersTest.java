package dev.octavo.bench.peer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// One contract for every peer that is present.
class PeersTest {
  private static final int SLOTS = 64;
  private static final int[] BYTE_SIZES = {1, 64, 256, 4096, 4097, 16_384, 135_168};
  private static final long LIVE_BYTES = (long) SLOTS * 256 * 1024;

  static Stream<String> present() {
    return Peers.NAMES.stream().filter(Peers::isPresent);
  }

  @ParameterizedTest
  @MethodSource("present")
  void buffersAreDistinctAndSurviveFreesInRandomOrder(String name) {
    try (Peer peer = Peers.open(name, LIVE_BYTES)) {
      Buffers buffers = new Buffers(peer);
      SplittableRandom random = new SplittableRandom(42);
      for (int step = 0; step < 4000; step++) {
        int slot = random.nextInt(SLOTS);
        if (buffers.isFilled(slot)) {
          buffers.free(slot);
        } else {
          buffers.allocate(slot, BYTE_SIZES[random.nextInt(BYTE_SIZES.length)]);
        }
      }
      buffers.freeAll();
    }
  }

  @ParameterizedTest
  @MethodSource("present")
  void exerciseLeavesNothingBehind(String name) {
    Peer peer = Peers.open(name, 0);
    Exercise.run(peer);
    peer.close();
  }

  @ParameterizedTest
  @MethodSource("present")
  void whatIsFreedCanBeHadAgain(String name) {
    try (Peer peer = Peers.open(name, 0)) {
      Slots slots = peer.slots(1);
      for (int i = 0; i < 20_000; i++) {
        slots.allocate(0, 16_384);
        slots.free(0, 16_384);
      }
    }
  }

  @Test
  void leaksAreFoundWhereThePeerCanTell() {
    for (String name : new String[] {"octavoRun", "octavoSegment", "octavoTry", "arrow"}) {
      Peer peer = Peers.open(name, 0);
      Slots slots = peer.slots(1);
      slots.allocate(0, 4096);
      assertThatThrownBy(peer::close).as(name).isInstanceOf(IllegalStateException.class);
    }
  }

  @Test
  void unknownNamesAreRefused() {
    assertThatThrownBy(() -> Peers.open("jemalloc", 0))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("unknown peer: name=jemalloc");
    assertThatThrownBy(() -> Peers.isPresent(""))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("unknown peer: name=");
  }

  @Test
  void onlyMimallocMayBeAbsent() {
    assertThat(Peers.NAMES).hasSize(11).doesNotHaveDuplicates();
    assertThat(present()).containsAll(Peers.NAMES.stream().filter(n -> !isMimalloc(n)).toList());
    if (!Mimalloc.isPresent()) {
      assertThatThrownBy(() -> Peers.open(Peers.MIMALLOC, 0))
          .isInstanceOf(IllegalStateException.class)
          .hasMessage("peer not on this machine: name=mimalloc");
    }
  }

  private static boolean isMimalloc(String name) {
    return name.equals(Peers.MIMALLOC);
  }

  /// What the peer gave out, checked for overlaps, and for its contents where it is memory.
  private static final class Buffers {
    private final Slots slots;
    private final boolean hasMemory;
    private final int[] byteSizes = new int[SLOTS];
    private final TreeMap<Long, Integer> byAddress = new TreeMap<>();

    Buffers(Peer peer) {
      slots = peer.slots(SLOTS);
      hasMemory = peer.hasMemory();
    }

    boolean isFilled(int slot) {
      return byteSizes[slot] != 0;
    }

    void allocate(int slot, int byteSize) {
      slots.allocate(slot, byteSize);
      byteSizes[slot] = byteSize;
      long address = slots.address(slot);
      Map.Entry<Long, Integer> before = byAddress.lowerEntry(address + byteSize);
      if (before != null) {
        assertThat(before.getKey() + before.getValue()).isLessThanOrEqualTo(address);
      }
      byAddress.put(address, byteSize);
      if (hasMemory) {
        memory(slot).fill((byte) slot);
      }
    }

    void free(int slot) {
      if (hasMemory) {
        MemorySegment memory = memory(slot);
        assertThat(memory.get(ValueLayout.JAVA_BYTE, 0)).isEqualTo((byte) slot);
        assertThat(memory.get(ValueLayout.JAVA_BYTE, byteSizes[slot] - 1)).isEqualTo((byte) slot);
      }
      byAddress.remove(slots.address(slot));
      slots.free(slot, byteSizes[slot]);
      byteSizes[slot] = 0;
    }

    void freeAll() {
      for (int slot = 0; slot < SLOTS; slot++) {
        if (isFilled(slot)) {
          free(slot);
        }
      }
      assertThat(byAddress).isEmpty();
    }

    @SuppressWarnings("restricted") // the address is what the peer says is memory
    private MemorySegment memory(int slot) {
      return MemorySegment.ofAddress(slots.address(slot)).reinterpret(byteSizes[slot]);
    }
  }
}
