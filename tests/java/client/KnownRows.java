import java.nio.charset.StandardCharsets;
import org.apache.hadoop.hbase.client.Put;

/** Rows that anyone can compute again: row i of a seed has one key and one value. */
final class KnownRows {
  static final byte[] FAMILY = "f".getBytes(StandardCharsets.UTF_8);
  static final byte[] QUALIFIER = "q".getBytes(StandardCharsets.UTF_8);

  private KnownRows() {}

  /** 16 hexadecimal digits, evenly spread over the key space. Never the same for two i of one seed. */
  static String key(long seed, long i) {
    return String.format("%016x", mix(mix(seed) + i));
  }

  /** Between 20 and 100 bytes. */
  static byte[] value(long seed, long i) {
    long random = mix(~seed ^ mix(i));
    StringBuilder value = new StringBuilder(seed + ":" + i + ":");
    for (long length = 10 + (random & 63); length > 0; length--) {
      value.append((char) ('a' + Long.remainderUnsigned(random, 26)));
      random = random * 6364136223846793005L + 1442695040888963407L;
    }
    return value.toString().getBytes(StandardCharsets.UTF_8);
  }

  static Put put(long seed, long i) {
    return new Put(key(seed, i).getBytes(StandardCharsets.UTF_8)).addColumn(FAMILY, QUALIFIER, value(seed, i));
  }

  /** The finalizer of SplitMix64, a bijection. */
  private static long mix(long z) {
    z += 0x9e3779b97f4a7c15L;
    z = (z ^ (z >>> 30)) * 0xbf58476d1ce4e5b9L;
    z = (z ^ (z >>> 27)) * 0x94d049bb133111ebL;
    return z ^ (z >>> 31);
  }
}
