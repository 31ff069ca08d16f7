package dev.octavo.allocator.internal.region;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.octavo.allocator.ProcMaps;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;
import org.junit.jupiter.api.Test;

/// Memory straight from the system, as the kernel sees it.
class AnonymousMappingTest {

  private static final long MIB = 1L << 20;
  private static final long HUGE = 2 * MIB;

  private static MemorySegment segment(RegionMemory memory) {
    return Objects.requireNonNull(memory.segment());
  }

  @Test
  void liesBetweenTwoGuards() throws IOException {
    for (long size : new long[] {1, 4096, 5000, 3 * MIB + 17, 64 * MIB}) {
      RegionMemory memory = AnonymousMapping.open(size, false, false);
      long base = segment(memory).address();
      assertThat(segment(memory).byteSize()).isEqualTo(size);
      assertThat(ProcMaps.at(base).rights()).isEqualTo("rw-p");
      assertThat(ProcMaps.at(base + size - 1).rights()).isEqualTo("rw-p");
      assertThat(ProcMaps.at(base - 1).rights()).isEqualTo("---p");
      assertThat(ProcMaps.at(base + size + 4095).rights()).isEqualTo("---p");
      assertThat(base % Math.min(HUGE, Long.highestOneBit(size))).isZero();
      memory.close();
    }
  }

  @Test
  void isCommittedWhenTouched() throws IOException {
    RegionMemory memory = AnonymousMapping.open(1024 * MIB, false, false);
    MemorySegment segment = segment(memory);
    assertThat(ProcMaps.at(segment.address()).bytes("Rss")).isZero();
    for (long at = 0; at < 4 * MIB; at += 4096) {
      assertThat(segment.get(ValueLayout.JAVA_BYTE, at)).isZero();
      segment.set(ValueLayout.JAVA_BYTE, at, (byte) 1);
    }
    assertThat(ProcMaps.at(segment.address()).bytes("Rss")).isBetween(4 * MIB, 6 * MIB);
    memory.close();
  }

  @Test
  void isGivenBackWhenClosed() throws IOException {
    RegionMemory memory = AnonymousMapping.open(MIB, false, false);
    MemorySegment segment = segment(memory);
    memory.close();
    memory.close();
    assertThatThrownBy(() -> segment.get(ValueLayout.JAVA_BYTE, 0))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("Already closed");
    assertThat(
            ProcMaps.areas().stream()
                .filter(area -> area.rights().equals("rw-p"))
                .filter(area -> area.start() == segment.address())
                .filter(area -> area.end() == segment.address() + MIB))
        .isEmpty();
  }

  @Test
  void hugePagesAreAdvisedBeforeAnythingIsTouched() throws IOException {
    RegionMemory memory = AnonymousMapping.open(8 * MIB, true, false);
    MemorySegment segment = segment(memory);
    assertThat(segment.address() % HUGE).isZero();
    ProcMaps.Area area = ProcMaps.at(segment.address());
    assertThat(area.detail("VmFlags")).contains(" hg");
    assertThat(area.bytes("Rss")).isZero();
    assertThat(Objects.requireNonNull(memory.discard()).granule()).isEqualTo(HUGE);
    memory.close();
    RegionMemory plain = AnonymousMapping.open(8 * MIB, false, false);
    assertThat(ProcMaps.at(segment(plain).address()).detail("VmFlags")).doesNotContain(" hg");
    plain.close();
  }

  @Test
  void interleavedMemoryHasThePolicy() throws IOException {
    RegionMemory memory = AnonymousMapping.open(MIB, false, true);
    long base = segment(memory).address();
    // One node is what most test machines have, and the region leaves them alone.
    NativeMemory.interleave(base, MIB, new long[] {1});
    assertThat(Files.readAllLines(Path.of("/proc/self/numa_maps")))
        .anyMatch(line -> line.startsWith(Long.toHexString(base) + " interleave:0"));
    memory.close();
  }

  @Test
  void whatTheSystemRefusesSaysWhy() {
    assertThatThrownBy(() -> AnonymousMapping.open(Long.MAX_VALUE, false, false))
        .isInstanceOf(UncheckedIOException.class)
        .hasRootCauseMessage(
            "system refused: call=mmap, byteSize=4611686018429493248, errno=12,"
                + " reason=Cannot allocate memory");
  }

  @Test
  void aRefusedDiscardIsNoError() {
    // A private file mapping or none at all: nothing is there to be given back.
    assertThat(new Discard(NativeMemory.MADV_REMOVE, 4096).giveBack(4096, 4096)).isFalse();
  }
}
