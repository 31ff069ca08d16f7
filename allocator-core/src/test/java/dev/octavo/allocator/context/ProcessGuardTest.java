package dev.octavo.allocator.context;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.nio.file.Path;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.slf4j.Logger;

/// The guard of a process that has just started, each in a JVM of its own.
class ProcessGuardTest {

  /// What the other JVM does.
  public static void main(String[] arguments) {
    System.out.println("forbidden=" + AtomicContext.isSleepForbidden());
    System.out.println("noReclaim=" + AtomicContext.isNoReclaim());
    System.out.println("sections=" + AtomicContext.sections());
    SleepGuard.mightSleep("outside");
    System.out.println("used=" + (ThreadKinds.declared() != null));
    System.out.println("mode=" + SleepGuard.ofProcess().mode());
    System.out.println("armed=" + SleepGuard.selfTest());
    System.out.println("used=" + (ThreadKinds.declared() != null));
    System.out.println("violations=" + SleepGuard.ofProcess().totals().violations());
  }

  private static String run(String... flags) throws Exception {
    String classPath =
        Stream.of(ProcessGuardTest.class, SleepGuard.class, Logger.class)
            .map(type -> type.getProtectionDomain().getCodeSource().getLocation().getPath())
            .collect(Collectors.joining(File.pathSeparator));
    String java = Path.of(System.getProperty("java.home"), "bin", "java").toString();
    Process process =
        new ProcessBuilder(
                Stream.of(
                        Stream.of(java, "-Xmx64m", "-cp", classPath),
                        Stream.of(flags),
                        Stream.of(ProcessGuardTest.class.getName()))
                    .flatMap(part -> part)
                    .toList())
            .start();
    String output = new String(process.getInputStream().readAllBytes(), UTF_8);
    process.waitFor();
    return output;
  }

  @Test
  void warnsUnlessToldOtherwise() throws Exception {
    assertThat(run().lines())
        .containsExactly(
            "forbidden=false",
            "noReclaim=false",
            "sections=[]",
            "used=false",
            "mode=WARN",
            "armed=true",
            "used=true",
            "violations=0");
  }

  @ParameterizedTest
  @CsvSource({"off, OFF, false", "throw, THROW, true", "nonsense, WARN, true"})
  void thePropertyGivesTheMode(String value, String mode, boolean isArmed) throws Exception {
    assertThat(run("-Doctavo.sleepGuard=" + value))
        .contains("mode=" + mode + "\n", "armed=" + isArmed + "\n");
  }
}
