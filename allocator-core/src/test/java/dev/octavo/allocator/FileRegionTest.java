package dev.octavo.allocator;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.channels.FileChannel;
import java.nio.channels.NonWritableChannelException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// A region that is a part of a file.
class FileRegionTest {

  private static final int MIB = 1 << 20;

  @TempDir Path directory;

  private FileChannel open(Path file) throws IOException {
    return FileChannel.open(
        file, StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE);
  }

  private static PageAllocator allocator(FileChannel channel, long offset, long byteSize) {
    return Bare.builder().region(MemoryRegion.ofFile(channel, offset, byteSize)).build();
  }

  private static long bytesOnDisk(Path file) throws IOException, InterruptedException {
    Process stat = new ProcessBuilder("stat", "-c", "%b", file.toString()).start();
    long blocks = Long.parseLong(new String(stat.getInputStream().readAllBytes(), UTF_8).strip());
    assertThat(stat.waitFor()).isZero();
    return blocks * 512;
  }

  @Test
  void whatIsWrittenIsInTheFile() throws IOException {
    Path file = directory.resolve("persists");
    Files.write(file, new byte[] {1, 2, 3});
    PageAllocator allocator;
    try (FileChannel channel = open(file)) {
      allocator = allocator(channel, 4096, MIB);
    }
    assertThat(Files.size(file)).isEqualTo(4096 + MIB);
    MemorySegment segment = allocator.allocate(5000);
    segment.fill((byte) 7);
    allocator.free(segment);
    allocator.close();
    assertThatThrownBy(() -> segment.get(ValueLayout.JAVA_BYTE, 0))
        .isInstanceOf(IllegalStateException.class);
    byte[] bytes = Files.readAllBytes(file);
    assertThat(bytes).startsWith(1, 2, 3, 0).hasSize(4096 + MIB);
    assertThat(Arrays.copyOfRange(bytes, 4096, 4096 + 5000)).containsOnly(7);
    assertThat(bytes[4096 + 5000]).isZero();
  }

  @Test
  void freePagesArePunchedOutOfTheFile() throws Exception {
    Path file = directory.resolve("holes");
    try (FileChannel channel = open(file);
        PageAllocator allocator = allocator(channel, 0, MIB)) {
      MemorySegment segment = allocator.allocate(MIB);
      segment.fill((byte) 7);
      channel.force(false);
      assertThat(bytesOnDisk(file)).isGreaterThanOrEqualTo(MIB);
      segment = allocator.trim(segment, 8192);
      assertThat(allocator.purge()).isEqualTo(MIB - 8192);
      channel.force(false);
      assertThat(bytesOnDisk(file)).isBetween(8192L, 64L << 10);
      assertThat(Files.size(file)).isEqualTo(MIB);
      byte[] bytes = Files.readAllBytes(file);
      assertThat(Arrays.copyOfRange(bytes, 0, 8192)).containsOnly(7);
      assertThat(Arrays.copyOfRange(bytes, 8192, MIB)).containsOnly(0);
      allocator.free(segment);
    }
  }

  @Test
  void whatStoodThereBeforeStays() throws IOException {
    Path file = directory.resolve("old");
    byte[] old = new byte[MIB];
    Arrays.fill(old, (byte) 9);
    Files.write(file, old);
    try (FileChannel channel = open(file);
        PageAllocator allocator = allocator(channel, 0, MIB)) {
      assertThat(allocator.purge()).isZero();
      MemorySegment segment = allocator.allocate(MIB);
      assertThat(segment.get(ValueLayout.JAVA_BYTE, MIB - 1)).isEqualTo((byte) 9);
      allocator.free(segment);
      assertThat(Files.readAllBytes(file)).isEqualTo(old);
      assertThat(allocator.purge()).isEqualTo(MIB);
      assertThat(Files.readAllBytes(file)).containsOnly(0);
    }
  }

  @Test
  void theBytesBehindTheRegionAreNotTouched() throws IOException {
    Path file = directory.resolve("behind");
    byte[] old = new byte[3 * 4096];
    Arrays.fill(old, (byte) 9);
    Files.write(file, old);
    try (FileChannel channel = open(file);
        PageAllocator allocator =
            Bare.builder()
                .pageSize(512)
                .region(MemoryRegion.ofFile(channel, 4096, 4096 + 512))
                .build()) {
      allocator.freePageRun(allocator.allocatePageRun(9), 9);
      assertThat(allocator.purge()).isEqualTo(4096);
    }
    byte[] bytes = Files.readAllBytes(file);
    assertThat(Arrays.copyOfRange(bytes, 0, 4096)).containsOnly(9);
    assertThat(Arrays.copyOfRange(bytes, 4096, 8192)).containsOnly(0);
    assertThat(Arrays.copyOfRange(bytes, 8192, 12288)).containsOnly(9);
  }

  @Test
  void whatIsNotAllowed() throws IOException {
    Path file = directory.resolve("refused");
    try (FileChannel channel = open(file)) {
      assertThatThrownBy(() -> MemoryRegion.ofFile(channel, 0, 0))
          .hasMessage("region size out of range: byteSize=0");
      assertThatThrownBy(() -> MemoryRegion.ofFile(channel, -1, 1))
          .isExactlyInstanceOf(IllegalArgumentException.class)
          .hasMessage("file offset out of range: value=-1, min=0, max=9223372036854775806");
      MemoryRegion region = MemoryRegion.ofFile(channel, 64, MIB);
      assertThatThrownBy(() -> Bare.builder().region(region).build())
          .isExactlyInstanceOf(IllegalArgumentException.class)
          .hasMessageStartingWith("region must start at a multiple of the page size: address=");
      try (PageAllocator small = Bare.builder().pageSize(64).region(region).build()) {
        assertThat(small.purge()).isZero();
      }
    }
    FileChannel closed = open(file);
    closed.close();
    assertThatThrownBy(() -> allocator(closed, 0, MIB)).isInstanceOf(UncheckedIOException.class);
    try (FileChannel readOnly = FileChannel.open(file, StandardOpenOption.READ)) {
      assertThatThrownBy(() -> allocator(readOnly, 0, MIB))
          .isInstanceOf(NonWritableChannelException.class);
    }
  }
}
