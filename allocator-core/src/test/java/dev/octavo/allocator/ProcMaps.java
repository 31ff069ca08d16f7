package dev.octavo.allocator;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/// What the kernel tells of this process's memory.
public final class ProcMaps {

  private static final int PAGE_BYTES = 4096;
  private static final int KIB = 1024;

  /// A stretch of addresses with one set of rights, and its lines in `smaps`.
  public record Area(long start, long end, String rights, List<String> details) {

    /// The number of KiB behind such a name, in bytes.
    public long bytes(String name) {
      return Long.parseLong(detail(name).replaceAll("\\D", "")) * KIB;
    }

    public String detail(String name) {
      return details.stream().filter(line -> line.startsWith(name + ":")).findFirst().orElseThrow();
    }
  }

  private ProcMaps() {}

  /// All areas, lowest first.
  public static List<Area> areas() throws IOException {
    List<Area> areas = new ArrayList<>();
    List<String> details = new ArrayList<>();
    for (String line : Files.readAllLines(Path.of("/proc/self/smaps"))) {
      if (line.matches("[0-9a-f]+-[0-9a-f]+ .*")) {
        String[] words = line.split("[- ]", 4);
        details = new ArrayList<>();
        areas.add(
            new Area(
                Long.parseUnsignedLong(words[0], 16),
                Long.parseUnsignedLong(words[1], 16),
                line.split(" ", 3)[1],
                details));
      } else {
        details.add(line);
      }
    }
    return areas;
  }

  /// The area that holds an address.
  public static Area at(long address) throws IOException {
    return areas().stream()
        .filter(area -> area.start() <= address && address < area.end())
        .findFirst()
        .orElseThrow(() -> new AssertionError("not mapped: address=" + address));
  }

  public static boolean isMapped(long address) throws IOException {
    return areas().stream().anyMatch(area -> area.start() <= address && address < area.end());
  }

  /// The memory of the process that is in RAM, in bytes.
  public static long residentBytes() throws IOException {
    return Long.parseLong(Files.readString(Path.of("/proc/self/statm")).split(" ", 3)[1])
        * PAGE_BYTES;
  }
}
