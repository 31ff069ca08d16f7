package dev.octavo.examples;

import static org.assertj.core.api.Assertions.assertThat;

import dev.octavo.allocator.PageAllocator;
import java.io.IOException;
import java.io.StringWriter;
import java.lang.reflect.Constructor;
import java.lang.reflect.Method;
import java.net.URISyntaxException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.tools.JavaCompiler;
import javax.tools.StandardJavaFileManager;
import javax.tools.ToolProvider;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// The first block of Java in the README is a whole program: it compiles as it stands, and runs.
class ReadmeTest {
  private static final Path README = Path.of("..", "README.md");
  private static final Pattern JAVA_BLOCK = Pattern.compile("(?ms)^```java\\R(.*?)^```");
  private static final String PROGRAM = "Readme";

  @TempDir Path folder;

  @Test
  void firstJavaBlockCompilesAndRuns() throws Exception {
    assertThat(README).as("the README beside the module").isRegularFile();
    Path source = folder.resolve(PROGRAM + ".java");
    Files.writeString(source, firstJavaBlock(Files.readString(README)));
    compile(source);
    run();
  }

  private static String firstJavaBlock(String readme) {
    Matcher matcher = JAVA_BLOCK.matcher(readme);
    assertThat(matcher.find()).as("README has a block of Java").isTrue();
    return matcher.group(1);
  }

  private void compile(Path source) throws IOException, URISyntaxException {
    JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
    StringWriter messages = new StringWriter();
    try (StandardJavaFileManager files = compiler.getStandardFileManager(null, null, null)) {
      List<String> options =
          List.of("--release", "25", "-proc:none", "-d", folder.toString(), "-cp", allocatorPath());
      boolean isCompiled =
          compiler
              .getTask(messages, files, null, options, null, files.getJavaFileObjects(source))
              .call();
      assertThat(isCompiled).as(messages.toString()).isTrue();
    }
  }

  /// The allocator alone: a reader of the README has nothing else.
  private static String allocatorPath() throws URISyntaxException {
    return Path.of(PageAllocator.class.getProtectionDomain().getCodeSource().getLocation().toURI())
        .toString();
  }

  /// Runs `main` of the compiled file, an instance method of a class without a name of its own.
  private void run() throws IOException, ReflectiveOperationException {
    URL[] classes = {folder.toUri().toURL()};
    try (URLClassLoader loader = new URLClassLoader(classes, getClass().getClassLoader())) {
      Class<?> program = loader.loadClass(PROGRAM);
      Constructor<?> constructor = program.getDeclaredConstructor();
      constructor.setAccessible(true);
      Method main = program.getDeclaredMethod("main");
      main.setAccessible(true);
      main.invoke(constructor.newInstance());
    }
  }
}
