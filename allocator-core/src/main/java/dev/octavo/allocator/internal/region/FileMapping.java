package dev.octavo.allocator.internal.region;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.channels.FileChannel.MapMode;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Memory that is a part of a file: what is written there is in the file.
public final class FileMapping {

  private static final Logger LOG = LoggerFactory.getLogger(FileMapping.class);

  private FileMapping() {}

  /// Maps a part of a file, which grows if it is too short.
  ///
  /// @throws UncheckedIOException if the file cannot be mapped
  public static RegionMemory open(FileChannel channel, long offset, long byteSize) {
    Arena arena = Arena.ofShared();
    try {
      long fileSize = channel.size();
      MemorySegment segment = channel.map(MapMode.READ_WRITE, offset, byteSize, arena);
      if (fileSize < offset + byteSize) {
        LOG.info("file extended: from={}, to={}", fileSize, offset + byteSize);
      }
      long zeroFrom = Math.clamp(fileSize - offset, 0, byteSize);
      return new RegionMemory(segment, arena, zeroFrom, discard(segment.address()));
    } catch (IOException e) {
      arena.close();
      throw new UncheckedIOException(e);
    } catch (RuntimeException | OutOfMemoryError e) {
      arena.close();
      throw e;
    }
  }

  /// Holes are punched through the mapping, as Java hides the number of the file. No system call is
  /// made before there is something to punch.
  private static @Nullable Discard discard(long base) throws IOException {
    if (!NativeAccess.isUsable()) {
      LOG.info(
          "free memory will not be purged: {}",
          NativeAccess.denial("punching holes", FileMapping.class.getModule()));
      return null;
    }
    long page = SystemPages.byteSize();
    return base % page == 0 ? new Discard(NativeMemory.MADV_REMOVE, page) : null;
  }
}
