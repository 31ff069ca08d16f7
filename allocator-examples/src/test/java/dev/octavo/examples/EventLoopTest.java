package dev.octavo.examples;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.octavo.allocator.OutOfPagesException;
import dev.octavo.allocator.PageAllocator;
import dev.octavo.allocator.context.check.SleepCheck;
import dev.octavo.examples.CacheHandler.Request.Put;
import io.netty.channel.embedded.EmbeddedChannel;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Queue;
import org.junit.jupiter.api.Test;

class EventLoopTest {

  private static final long CAPACITY = 4 << 20;

  @Test
  void theLoopIsToldOfBlockingRequestsAndServesAtomicOnes() throws InterruptedException {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    ByteArrayOutputStream log = new ByteArrayOutputStream();
    PrintStream standardError = System.err;
    System.setErr(print(log));
    try {
      EventLoop.run(print(out));
    } finally {
      System.setErr(standardError);
    }
    assertThat(text(out))
        .containsSubsequence(
            "BUG: call that may sleep in an atomic section: call=allocate(byteSize=4096,",
            "caller=dev.octavo.examples.EventLoop$WrongHandler.channelRead0(EventLoop.java:",
            "sections=[netty-event-loop], depth=1, expectedDepth=0, thread=loop-",
            "stored a",
            "Totals[violations=3, leaks=0, sites=2, suppressed=0]",
            "stored a: 12288 KiB",
            "stored c: 8 KiB",
            "dropped a",
            "stored b: 8192 KiB",
            "violations: 0",
            "sections of the next task: [netty-event-loop]",
            "At the end: Totals[violations=3, leaks=1, sites=3, suppressed=0]",
            "pages in use: 0");
    assertThat(text(log).lines().filter(line -> line.contains("BUG: ")))
        .satisfiesExactly(
            pages -> assertThat(pages).contains("method=PageAllocator.allocate,"),
            arena -> assertThat(arena).contains("call=PageArena.allocate("),
            task -> assertThat(task).contains("ForgetfulTask, sections=[index-flush]"));
  }

  /// All that an application needs.
  @Test
  void theHandlerNeverSleeps() {
    SleepCheck.ofClasses(CacheHandler.class).check();
  }

  /// Handlers need no mark, if all of Netty's count.
  @Test
  void theWrongHandlerIsFoundWithoutRunningIt() {
    SleepCheck handlers =
        SleepCheck.ofClasses(CacheHandler.class, EventLoop.class)
            .alsoAtomic("io.netty.channel.ChannelInboundHandler.*")
            .alsoAtomic("io.netty.channel.SimpleChannelInboundHandler.*");
    assertThatExceptionOfType(AssertionError.class)
        .isThrownBy(handlers::check)
        .withMessageContainingAll(
            "violations=1, ",
            "dev.octavo.examples.EventLoop$WrongHandler.channelRead0(",
            "-> dev.octavo.allocator.PageAllocator.allocate(long) [@MightSleep]");
  }

  @Test
  void whatAWorkerGotForAConnectionThatHasEndedIsFreed() {
    Queue<Runnable> worker = new ArrayDeque<>();
    try (PageAllocator pages = PageAllocator.builder().capacity(CAPACITY).build()) {
      EmbeddedChannel channel = new EmbeddedChannel(new CacheHandler(pages, worker::add));
      channel.writeInbound(new Put("a", CAPACITY / 2), new Put("b", CAPACITY / 2));
      assertThat(channel.<String>readOutbound()).startsWith("stored a");
      channel.close().syncUninterruptibly();
      pages.assertNoLeaks();

      worker.remove().run();
      assertThat(pages.buddyInfo().allocatedPages()).isGreaterThan(CAPACITY / 2 / 4096);
      channel.runPendingTasks();
      pages.assertNoLeaks();
    }
  }

  @Test
  void aRequestThatAWorkerWaitedForInVainIsAnswered() {
    Queue<Runnable> worker = new ArrayDeque<>();
    try (PageAllocator pages =
        PageAllocator.builder().capacity(CAPACITY).waitAtMost(Duration.ZERO).build()) {
      EmbeddedChannel channel = new EmbeddedChannel(new CacheHandler(pages, worker::add));
      channel.writeInbound(new Put("a", CAPACITY));
      worker.remove().run();
      channel.runPendingTasks();
      assertThat(channel.<String>readOutbound())
          .startsWith("failed: ")
          .contains(OutOfPagesException.class.getSimpleName());
      channel.close().syncUninterruptibly();
      pages.assertNoLeaks();
    }
  }

  private static PrintStream print(ByteArrayOutputStream bytes) {
    return new PrintStream(bytes, true, StandardCharsets.UTF_8);
  }

  private static String text(ByteArrayOutputStream bytes) {
    return bytes.toString(StandardCharsets.UTF_8);
  }
}
