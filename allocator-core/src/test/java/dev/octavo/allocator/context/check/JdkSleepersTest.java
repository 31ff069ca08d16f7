package dev.octavo.allocator.context.check;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.reflect.Method;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class JdkSleepersTest {

  @Test
  void everyMethodOfTheListExists() throws ClassNotFoundException {
    List<String> missing = new ArrayList<>();
    int count = 0;
    for (String line : JdkSleepers.lines()) {
      String owner = line.substring(0, line.indexOf(": "));
      List<String> known =
          publicMethods(Class.forName(owner, false, ClassLoader.getPlatformClassLoader()));
      for (String method : methods(line)) {
        count++;
        if (!known.contains(method)) {
          missing.add(owner + "." + method);
        }
      }
    }
    assertThat(missing).isEmpty();
    assertThat(count).isGreaterThan(70);
  }

  private static List<String> methods(String line) {
    return List.of(line.substring(line.indexOf(": ") + 2).split(", (?![^(]*\\))", -1));
  }

  /// Each by its name alone, and with the types of its parameters.
  private static List<String> publicMethods(Class<?> type) {
    return Arrays.stream(type.getDeclaredMethods())
        .flatMap(method -> Stream.of(method.getName(), withTypes(method)))
        .toList();
  }

  private static String withTypes(Method method) {
    return Arrays.stream(method.getParameterTypes())
        .map(Class::getSimpleName)
        .collect(Collectors.joining(", ", method.getName() + "(", ")"));
  }

  @Test
  void theListIsTheSameInTheDocument() throws Exception {
    String document = Files.readString(Path.of("../docs/sleep-check.md"));
    String quoted = document.substring(document.indexOf("```text\n") + "```text\n".length());
    assertThat(quoted.substring(0, quoted.indexOf("```")).lines().toList())
        .isEqualTo(JdkSleepers.lines());
  }

  @Test
  void namesAndParametersAreTold() {
    assertThat(JdkSleepers.contains("java.lang.Thread", method("sleep(J)V"))).isTrue();
    assertThat(JdkSleepers.contains("java.lang.Thread", method("yield()V"))).isFalse();
    String queue = "java.util.concurrent.BlockingQueue";
    String unit = "Ljava/util/concurrent/TimeUnit;";
    assertThat(JdkSleepers.contains(queue, method("poll(J" + unit + ")Ljava/lang/Object;")))
        .isTrue();
    assertThat(JdkSleepers.contains(queue, method("poll()Ljava/lang/Object;"))).isFalse();
    assertThat(JdkSleepers.contains(queue, method("take()Ljava/lang/Object;"))).isTrue();
  }

  private static MethodNode method(String signature) {
    return new MethodNode("any", signature, 0, false, false, null);
  }
}
