package dev.octavo.allocator;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.octavo.allocator.reclaim.Watermarks;
import java.io.File;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.Test;

/// What runs with and without the flag, each in a JVM of its own.
class NativeAccessFlagTest {

  private static final long GIB = 1L << 30;

  /// Prints what a JVM with such flags says.
  private static String run(String... flags) throws IOException, InterruptedException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(List.of(flags));
    command.addAll(
        List.of(
            "-XX:MaxDirectMemorySize=4m",
            "-Xmx64m",
            "-cp",
            classPath(),
            NativeAccessFlagTest.class.getName()));
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    String output = new String(process.getInputStream().readAllBytes(), UTF_8);
    process.waitFor();
    return output;
  }

  /// All that this JVM has, whether it runs the tests in a module or not.
  private static String classPath() {
    String name = NativeAccessFlagTest.class.getName().replace('.', '/') + ".class";
    String location =
        Objects.requireNonNull(NativeAccessFlagTest.class.getResource("/" + name)).getPath();
    return String.join(
        File.pathSeparator,
        location.substring(0, location.length() - name.length()),
        System.getProperty("jdk.module.path", ""),
        System.getProperty("java.class.path"));
  }

  /// What the other JVM does: a mapping larger than its direct memory may be, and a file.
  public static void main(String[] arguments) throws IOException {
    try (PageAllocator allocator =
        PageAllocator.builder().region(MemoryRegion.mapped(GIB)).build()) {
      MemorySegment segment = allocator.allocate(64 << 20);
      segment.fill((byte) 1);
      allocator.free(segment);
      System.out.println("mapped: " + allocator.purge());
    } catch (IllegalCallerException e) {
      System.out.println("denied: " + e.getMessage());
    }
    Path file = Files.createTempFile("octavo", "region");
    try (FileChannel channel =
            FileChannel.open(file, StandardOpenOption.READ, StandardOpenOption.WRITE);
        PageAllocator allocator =
            PageAllocator.builder()
                .watermarks(Watermarks.none())
                .region(MemoryRegion.ofFile(channel, 0, 1 << 20))
                .build()) {
      MemorySegment segment = allocator.allocate(1 << 20);
      segment.set(ValueLayout.JAVA_BYTE, 0, (byte) 1);
      allocator.free(segment);
      System.out.println("file: " + allocator.purge());
    } finally {
      Files.delete(file);
    }
  }

  @Test
  void withTheFlagAMappingDoesNotCountAsDirectMemory() throws Exception {
    assertThat(run("--enable-native-access=ALL-UNNAMED").lines())
        .contains("mapped: " + (64 << 20), "file: " + (1 << 20));
  }

  @Test
  void withoutTheFlagTheMessageNamesItAndTheJvmHasNothingToWarnOf() throws Exception {
    for (String flag :
        List.of(
            "-showversion",
            "--illegal-native-access=deny",
            "--enable-native-access=jdk.unsupported")) {
      String output = run(flag);
      assertThat(output).doesNotContain("WARNING");
      assertThat(output.lines())
          .contains(
              "denied: anonymous mapping needs native access, which is denied: module=unnamed, "
                  + "flag on the class path=--enable-native-access=ALL-UNNAMED, "
                  + "flag on the module path=--enable-native-access=dev.octavo.allocator",
              "file: 0");
    }
  }
}
