package dev.octavo.allocator.model;

import static net.jqwik.api.Combinators.combine;

import dev.octavo.allocator.internal.buddy.Geometry;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.RandomDistribution;
import net.jqwik.api.Tuple;
import net.jqwik.api.Tuple.Tuple2;

/// Random programs.
///
/// *Swarm testing* (Groce et al., ISSTA 2012): each program draws anew how frequent each kind of
/// step is, and leaves some out. A region that is only ever filled, or one where nothing is
/// trimmed, shows faults that a mixture of everything hides.
public final class Programs {

  private static final int MAX_SLOTS = 4;
  private static final int MAX_STEPS = 60;

  /// How often a kind of step may come: half of the kinds are rare or left out.
  private static final int[] WEIGHTS = {0, 0, 1, 1, 4, 16};

  /// The longest runs that a program asks for.
  private static final int[] LENGTHS = {3, 8, 24, 70, 130, 700, 5_000};

  /// The largest orders that a program asks for, as blocks or alignments.
  private static final int[] ORDERS = {1, 3, 5, 7, 12};

  /// The most blocks that a call for many asks for.
  private static final int MAX_MANY = 70;

  /// Page counts of regions of the narrow radix go up to here: five levels.
  private static final int MAX_NARROW_PAGES = 300;

  /// Page counts of regions of the wide radix by the levels they need: one, two, three.
  private static final int[] MAX_WIDE_PAGES = {64, 1_200, 9_000};

  private Programs() {}

  /// Programs on words of 4 bits: every level is near.
  public static Arbitrary<Program> narrow() {
    return programs(numbers(1, MAX_NARROW_PAGES), 2);
  }

  /// Programs on words of 64 bits, as they are in use.
  public static Arbitrary<Program> wide() {
    Arbitrary<Integer> pageCounts =
        Arbitraries.frequencyOf(
            Tuple.of(3, numbers(1, MAX_WIDE_PAGES[0])),
            Tuple.of(8, numbers(1, MAX_WIDE_PAGES[1])),
            Tuple.of(2, numbers(1, MAX_WIDE_PAGES[2])));
    return programs(pageCounts, Geometry.RADIX_LOG2);
  }

  private static Arbitrary<Program> programs(Arbitrary<Integer> pageCounts, int radixLog2) {
    return combine(geometries(pageCounts, radixLog2), numbers(1, MAX_SLOTS), steps())
        .as(Program::new);
  }

  /// Half of the regions have the largest order that fits, the others any.
  private static Arbitrary<Geometry> geometries(Arbitrary<Integer> pageCounts, int radixLog2) {
    Arbitrary<Integer> ordersLess =
        Arbitraries.oneOf(
            List.of(Arbitraries.just(0), numbers(0, Geometry.largestOrder(MAX_WIDE_PAGES[2]))));
    return combine(pageCounts, ordersLess)
        .as(
            (pageCount, less) -> {
              int maxOrder = Math.max(0, Geometry.largestOrder(pageCount) - less);
              return new Geometry(pageCount, maxOrder, radixLog2);
            });
  }

  private static Arbitrary<List<Step>> steps() {
    return Arbitraries.randomValue(Programs::swarm)
        .flatMap(
            swarm ->
                Arbitraries.frequencyOf(swarm)
                    .list()
                    .ofMaxSize(MAX_STEPS)
                    .withSizeDistribution(RandomDistribution.uniform()));
  }

  /// Draws the bounds of the arguments and the weights of the kinds. The first kind never falls
  /// out, so that something is allocated.
  private static List<Tuple2<Integer, Arbitrary<Step>>> swarm(Random random) {
    Arbitrary<Integer> lengths = numbers(1, oneOf(LENGTHS, random));
    Arbitrary<Integer> orders = numbers(0, oneOf(ORDERS, random));
    List<Arbitrary<Step>> kinds = new ArrayList<>();
    kinds.addAll(allocations(lengths, orders));
    kinds.addAll(changes(lengths));
    kinds.addAll(refusals(lengths, orders));
    List<Tuple2<Integer, Arbitrary<Step>>> swarm = new ArrayList<>();
    for (Arbitrary<Step> kind : kinds) {
      int weight = oneOf(WEIGHTS, random);
      swarm.add(Tuple.of(swarm.isEmpty() ? weight + 1 : weight, kind));
    }
    return swarm;
  }

  private static int oneOf(int[] values, Random random) {
    return values[random.nextInt(values.length)];
  }

  private static List<Arbitrary<Step>> allocations(
      Arbitrary<Integer> lengths, Arbitrary<Integer> orders) {
    Arbitrary<Integer> zero = Arbitraries.just(0);
    Arbitrary<Integer> one = Arbitraries.just(1);
    return List.of(
        combine(slots(), lengths, zero).as(Step.Allocate::new),
        combine(slots(), lengths, orders).as(Step.Allocate::new),
        combine(slots(), one, zero).as(Step.Allocate::new),
        combine(slots(), orders).as(Step.AllocateBlock::new),
        combine(slots(), lengths, orders, lengths).as(Step.AllocateInPhase::new),
        combine(slots(), orders, numbers(0, MAX_MANY)).as(Step.AllocateMany::new));
  }

  private static List<Arbitrary<Step>> changes(Arbitrary<Integer> lengths) {
    Arbitrary<Integer> one = Arbitraries.just(1);
    return List.of(
        combine(slots(), choices(), one).as(Step.Free::new),
        combine(slots(), choices(), numbers(1, MAX_MANY)).as(Step.Free::new),
        combine(slots(), choices(), lengths).as(Step.Trim::new),
        combine(slots(), choices(), lengths).as(Step.Grow::new));
  }

  private static List<Arbitrary<Step>> refusals(
      Arbitrary<Integer> lengths, Arbitrary<Integer> orders) {
    Arbitrary<Step> meanwhile =
        Arbitraries.oneOf(
            List.of(
                combine(slots(), lengths, orders).as(Step.Allocate::new),
                combine(slots(), choices(), numbers(1, 2)).as(Step.Free::new),
                combine(slots(), choices(), lengths).as(Step.Trim::new)));
    Arbitrary<Step.Fault> faults = Arbitraries.of(Step.Fault.values());
    return List.of(
        combine(slots(), choices(), meanwhile, Arbitraries.of(false, true)).as(Step.Hold::new),
        combine(slots(), choices(), faults, lengths).as(Step.BadFree::new),
        slots().map(Step.TakeAll::new));
  }

  private static Arbitrary<Integer> slots() {
    return numbers(0, MAX_SLOTS - 1);
  }

  private static Arbitrary<Integer> choices() {
    return numbers(0, MAX_MANY);
  }

  private static Arbitrary<Integer> numbers(int min, int max) {
    return Arbitraries.integers().between(min, max).withDistribution(RandomDistribution.uniform());
  }
}
