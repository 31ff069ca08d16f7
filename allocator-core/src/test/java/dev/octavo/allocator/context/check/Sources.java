package dev.octavo.allocator.context.check;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.spi.ToolProvider;

/// Compiles programs that cannot be among the tests, as they stand in for other classes.
final class Sources {

  private Sources() {}

  /// Runs the compiler.
  ///
  /// @param sources by turns a file's name and its text
  /// @return the directory of the class files
  static Path compile(Path folder, String... sources) throws IOException, URISyntaxException {
    Path classes = folder.resolve("classes");
    List<String> arguments = new ArrayList<>(List.of("-proc:none", "-g", "-d", classes.toString()));
    arguments.addAll(List.of("-cp", library().toString()));
    for (int i = 0; i < sources.length; i += 2) {
      Path file = folder.resolve(sources[i]);
      Files.createDirectories(file.getParent());
      Files.writeString(file, sources[i + 1]);
      arguments.add(file.toString());
    }
    run("javac", arguments);
    return classes;
  }

  static Path jar(Path classes, Path jar) {
    run("jar", List.of("--create", "--file", jar.toString(), "-C", classes.toString(), "."));
    return jar;
  }

  private static void run(String tool, List<String> arguments) {
    StringWriter messages = new StringWriter();
    PrintWriter out = new PrintWriter(messages);
    int code =
        ToolProvider.findFirst(tool).orElseThrow().run(out, out, arguments.toArray(String[]::new));
    if (code != 0) {
      throw new IllegalStateException(tool + " failed: " + messages);
    }
  }

  private static Path library() throws URISyntaxException {
    return Path.of(SleepCheck.class.getProtectionDomain().getCodeSource().getLocation().toURI());
  }
}
