package dev.octavo.bench.report;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.FileSystem;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Objects;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/// The files of a comparison: a temporary directory with copies of both jars, and the output.
///
/// The copies are what the forks run, so that a build that replaces a jar meanwhile does not change
/// what is measured. Their paths have the same length, because that of the class path can move a
/// benchmark's figures.
///
/// @param directory where the copies and the files of the forks are
record BuildFiles(Path directory) {
  private static final String PROFILER = CpuTime.class.getSimpleName() + ".class";

  /// Makes the directory, after checking that the output can be written.
  ///
  /// @param output where the results will go, or null
  static BuildFiles open(@Nullable Path output) throws ReportException {
    try {
      if (output != null) {
        checkOutput(output);
      }
      return new BuildFiles(Files.createTempDirectory("builds"));
    } catch (IOException e) {
      throw new ReportException("files cannot be made: path=" + output + ", cause=" + e);
    }
  }

  private static void checkOutput(Path output) throws IOException, ReportException {
    Path parent = parent(output);
    if (Files.isDirectory(output)) {
      throw new ReportException("results cannot be written: path=" + output + ", is a directory");
    }
    Files.createDirectories(parent);
    if (!Files.isWritable(parent)) {
      throw new ReportException("results cannot be written: path=" + output + ", not permitted");
    }
  }

  /// Returns a copy of a jar, with the profiler [CpuTime] in it, which an older build has not.
  Path copy(Path jar, String name) throws ReportException {
    try {
      Path copy = Files.copy(jar, directory.resolve(name));
      try (FileSystem inside = FileSystems.newFileSystem(copy);
          InputStream profiler =
              Objects.requireNonNull(CpuTime.class.getResourceAsStream(PROFILER))) {
        Path target = inside.getPath(CpuTime.class.getPackageName().replace('.', '/'), PROFILER);
        Files.createDirectories(Objects.requireNonNull(target.getParent()));
        Files.copy(profiler, target, StandardCopyOption.REPLACE_EXISTING);
      }
      return copy;
    } catch (IOException e) {
      throw new ReportException("jar cannot be copied: path=" + jar + ", cause=" + e);
    }
  }

  /// Replaces the output in one step.
  void write(Path output, String text) throws ReportException {
    try {
      Path whole = Files.createTempFile(parent(output), "builds", ".json");
      try {
        Files.writeString(whole, text);
        Files.move(whole, output, StandardCopyOption.REPLACE_EXISTING);
      } finally {
        Files.deleteIfExists(whole);
      }
    } catch (IOException e) {
      throw new ReportException("results cannot be written: path=" + output + ", cause=" + e);
    }
  }

  /// Deletes the directory; what cannot be deleted stays.
  void close() {
    try (Stream<Path> files = Files.list(directory)) {
      for (Path file : files.toList()) {
        Files.deleteIfExists(file);
      }
      Files.deleteIfExists(directory);
    } catch (IOException e) {
      // A fork that is being killed may still write.
    }
  }

  private static Path parent(Path output) {
    Path parent = output.toAbsolutePath().getParent();
    return parent == null ? output.toAbsolutePath() : parent;
  }
}
