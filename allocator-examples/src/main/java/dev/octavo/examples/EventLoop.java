package dev.octavo.examples;

import dev.octavo.allocator.PageAllocator;
import dev.octavo.allocator.PageArena;
import dev.octavo.allocator.context.AtomicContext;
import dev.octavo.allocator.context.SleepGuard;
import dev.octavo.examples.CacheHandler.Request;
import io.netty.bootstrap.Bootstrap;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandler;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.SimpleChannelInboundHandler;
import io.netty.channel.local.LocalAddress;
import io.netty.channel.local.LocalChannel;
import io.netty.channel.local.LocalIoHandler;
import io.netty.channel.local.LocalServerChannel;
import io.netty.util.concurrent.DefaultThreadFactory;
import io.netty.util.concurrent.FastThreadLocalThread;
import java.io.PrintStream;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/// Off-heap memory on Netty's event loop, where a request that waits stops all connections: who
/// asks in the wrong mode is told so, and [CacheHandler] does it right.
///
/// To copy: the declaration of the loop's threads, once in a process, in [#run]; the handler; and
/// the order in which all of it ends. A server can do without a guard of its own: there is one of
/// the process, set by `-Doctavo.sleepGuard=throw` in tests and `warn` in production.
public final class EventLoop implements AutoCloseable {

  private static final long CAPACITY = 16 << 20;
  private static final LocalAddress ADDRESS = new LocalAddress("event-loop");
  private static final long ANSWER_SECONDS = 60;

  private final PrintStream out;
  private final SleepGuard guard;
  private final PageAllocator pages;
  private final ExecutorService worker = Executors.newSingleThreadExecutor();
  private final EventLoopGroup loops =
      new MultiThreadIoEventLoopGroup(
          1, new DefaultThreadFactory("loop"), LocalIoHandler.newFactory());

  private EventLoop(PrintStream out, SleepGuard guard, PageAllocator pages) {
    this.out = out;
    this.guard = guard;
    this.pages = pages;
  }

  /// Runs the example; takes no arguments.
  public static void main(String[] args) throws InterruptedException {
    run(System.out);
  }

  static void run(PrintStream out) throws InterruptedException {
    SleepGuard guard = SleepGuard.of(SleepGuard.Mode.THROW);
    // All threads that Netty makes. If some of them are there to block, as those of a
    // DefaultEventExecutorGroup, the predicate has to look at a name or class of your own.
    try (var _ =
            AtomicContext.treatThreads(
                "netty-event-loop", thread -> thread instanceof FastThreadLocalThread);
        PageAllocator pages =
            PageAllocator.builder().capacity(CAPACITY).sleepGuard(guard).name("cache").build()) {
      try (EventLoop example = new EventLoop(out, guard, pages)) {
        example.refuse();
        example.warn();
        example.doItRight();
        example.closeWhatTasksLeaveOpen();
      }
      pages.assertNoLeaks();
      out.println("At the end: " + guard.totals());
      out.println("  pages in use: " + pages.buddyInfo().allocatedPages());
    }
  }

  private void refuse() throws InterruptedException {
    out.println("1. The loop asks in mode BLOCKING, the guard throws:");
    talk(new WrongHandler(pages), new Request.Put("a", 4096));
  }

  private void warn() throws InterruptedException {
    guard.setMode(SleepGuard.Mode.WARN);
    out.println("2. The same, and the guard warns: answered, and a line in the log for each site:");
    talk(new WrongHandler(pages), new Request.Put("a", 4096));
    out.println("  " + guard.totals());
  }

  private void doItRight() throws InterruptedException {
    long before = guard.totals().violations();
    out.println("3. In mode ATOMIC; for b, of 8 MiB, a worker waits until a, of 12 MiB, is gone:");
    talk(
        new CacheHandler(pages, worker),
        new Request.Put("a", 12 << 20),
        new Request.Put("b", 8 << 20),
        new Request.Put("c", 8 << 10),
        new Request.Drop("a"));
    out.println("  violations: " + (guard.totals().violations() - before));
  }

  private void closeWhatTasksLeaveOpen() {
    out.println(
        "4. A task leaves a section open; it is logged, and its thread's next task is not in it:");
    Executor checked = AtomicContext.checking(loops.next(), guard);
    checked.execute(new ForgetfulTask());
    List<String> sections =
        CompletableFuture.supplyAsync(AtomicContext::sections, loops.next()).join();
    out.println("  sections of the next task: " + sections);
  }

  /// The worker first, while there is a loop to take what it got; then the loop, with all its
  /// channels. By then all memory is free, and the allocator can be closed, by a thread that may
  /// sleep.
  @Override
  public void close() {
    worker.close();
    loops.shutdownGracefully(0, ANSWER_SECONDS, TimeUnit.SECONDS).syncUninterruptibly();
  }

  /// Does it all in mode BLOCKING, the default. It passes every test, until memory is short.
  private static final class WrongHandler extends SimpleChannelInboundHandler<Request.Put> {

    private final PageAllocator pages;

    WrongHandler(PageAllocator pages) {
      this.pages = pages;
    }

    @Override
    protected void channelRead0(ChannelHandlerContext context, Request.Put put) {
      MemorySegment value = pages.allocate(put.byteSize());
      try (PageArena scratch = pages.openUnscopedArena()) {
        value.copyFrom(scratch.allocateFrom(put.key()));
        ChannelFuture _ = context.writeAndFlush("stored " + value.getString(0));
      } finally {
        pages.free(value);
      }
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
      ChannelFuture _ = context.writeAndFlush(cause.getMessage());
    }
  }

  private static final class ForgetfulTask implements Runnable {
    @Override
    public void run() {
      var _ = AtomicContext.enter("index-flush");
    }
  }

  // ---- server and client

  /// Serves a connection with a handler, sends requests all at once, and prints an answer for each.
  private void talk(ChannelHandler handler, Request... requests) throws InterruptedException {
    Channel server =
        new ServerBootstrap()
            .group(loops)
            .channel(LocalServerChannel.class)
            .childHandler(handler)
            .bind(ADDRESS)
            .sync()
            .channel();
    Answers answers = new Answers();
    Channel client =
        new Bootstrap()
            .group(loops)
            .channel(LocalChannel.class)
            .handler(answers)
            .connect(ADDRESS)
            .sync()
            .channel();
    for (Request request : requests) {
      ChannelFuture _ = client.writeAndFlush(request);
    }
    for (Request _ : requests) {
      out.println("  " + answers.next());
    }
    client.close().sync();
    server.close().sync();
  }

  private static final class Answers extends SimpleChannelInboundHandler<String> {
    private final BlockingQueue<String> received = new LinkedBlockingQueue<>();

    @Override
    protected void channelRead0(ChannelHandlerContext context, String answer) {
      received.add(answer);
    }

    String next() throws InterruptedException {
      String answer = received.poll(ANSWER_SECONDS, TimeUnit.SECONDS);
      if (answer == null) {
        throw new IllegalStateException("no answer: seconds=" + ANSWER_SECONDS);
      }
      return answer;
    }
  }
}
