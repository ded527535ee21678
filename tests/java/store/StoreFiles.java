import java.io.BufferedReader;
import java.io.EOFException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.TreeMap;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.hbase.ArrayBackedTag;
import org.apache.hadoop.hbase.Cell;
import org.apache.hadoop.hbase.CellUtil;
import org.apache.hadoop.hbase.HBaseConfiguration;
import org.apache.hadoop.hbase.KeyValue;
import org.apache.hadoop.hbase.PrivateCellUtil;
import org.apache.hadoop.hbase.TableName;
import org.apache.hadoop.hbase.Tag;
import org.apache.hadoop.hbase.io.compress.Compression;
import org.apache.hadoop.hbase.io.encoding.DataBlockEncoding;
import org.apache.hadoop.hbase.io.hfile.CacheConfig;
import org.apache.hadoop.hbase.io.hfile.HFile;
import org.apache.hadoop.hbase.io.hfile.HFileContext;
import org.apache.hadoop.hbase.io.hfile.HFileContextBuilder;
import org.apache.hadoop.hbase.io.hfile.HFileInfo;
import org.apache.hadoop.hbase.io.hfile.HFileScanner;
import org.apache.hadoop.hbase.regionserver.BloomType;
import org.apache.hadoop.hbase.regionserver.StoreFileWriter;
import org.apache.hadoop.hbase.util.Bytes;
import org.apache.hadoop.hbase.util.ChecksumType;
import org.apache.hadoop.hbase.wal.FSHLogProvider;
import org.apache.hadoop.hbase.wal.WAL;
import org.apache.hadoop.hbase.wal.WALEdit;
import org.apache.hadoop.hbase.wal.WALFactory;
import org.apache.hadoop.hbase.wal.WALKeyImpl;
import org.apache.hadoop.hbase.wal.WALProvider;
import org.apache.hadoop.hbase.wal.WALStreamReader;

/**
 * Writes and reads WALs and HFiles as Java does. Commands come as lines on standard input; what files hold is printed
 * as text, a line for each entry and cell, so that both sides can be compared.
 */
public class StoreFiles {
  private static final Configuration CONF = HBaseConfiguration.create();
  private static final PrintStream OUT = new PrintStream(System.out, true, StandardCharsets.UTF_8);

  public static void main(String[] args) throws Exception {
    CONF.setBoolean("hbase.unsafe.stream.capability.enforce", false);
    BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String line; (line = in.readLine()) != null;) {
      run(line.split(" "));
      OUT.println("done");
    }
  }

  private static void run(String[] words) throws Exception {
    Path path = new Path(words[1]);
    switch (words[0]) {
      case "write-wal" -> writeWal(path, words[2], words[3], Boolean.parseBoolean(words[4]));
      case "read-wal" -> readWal(path);
      case "write-hfile" -> writeHFile(path, words[2], words[3], words[4], Integer.parseInt(words[5]));
      case "read-hfile" -> readHFile(path);
      default -> throw new IllegalArgumentException(words[0]);
    }
  }

  /** Cells as a master region has them, and odd ones. */
  private static List<Cell> cells(int count, boolean tags) {
    List<Cell> cells = new ArrayList<>();
    for (int n = 0; n < count; n++) {
      byte[] row = n % 3 == 0 ? Bytes.toBytes((long) n) : Bytes.toBytes("row" + n / 4);
      byte[] qualifier = Bytes.toBytes("q" + n % 4 + (n % 10 == 0 ? "longer" : ""));
      long timestamp = n % 7 == 0 ? 1700000000000L + n : n % 11 == 0 ? 1L : 1700000000000L;
      KeyValue.Type type = n % 13 == 0 ? KeyValue.Type.DeleteColumn
        : n % 17 == 0 ? KeyValue.Type.DeleteFamily : KeyValue.Type.Put;
      byte[] value = type != KeyValue.Type.Put ? new byte[0]
        : n % 5 == 0 ? new byte[n % 300] : Bytes.toBytes("value of cell " + n / 2);
      List<Tag> list = new ArrayList<>();
      for (int tag = 0; tags && tag < n % 4; tag++) {
        list.add(new ArrayBackedTag((byte) (tag + 1), "tag" + n % 6));
      }
      KeyValue cell = new KeyValue(row, Bytes.toBytes("f"), qualifier, timestamp, type, value, list);
      cells.add(cell);
    }
    return cells;
  }

  private static void writeWal(Path path, String dictionaries, String values, boolean close) throws Exception {
    Configuration conf = new Configuration(CONF);
    conf.setBoolean("hbase.regionserver.wal.enablecompression", !dictionaries.equals("none"));
    conf.setBoolean("hbase.regionserver.wal.tags.enablecompression", dictionaries.equals("tags"));
    conf.setBoolean("hbase.regionserver.wal.value.enablecompression", !values.equals("none"));
    conf.set("hbase.regionserver.wal.value.compression.type", values);
    WALProvider.Writer writer = FSHLogProvider.createWriter(conf, FileSystem.get(path.toUri(), conf), path, false);
    List<Cell> cells = cells(2000, true);
    for (int n = 0; n < 400; n++) {
      WALEdit edit = new WALEdit();
      cells.subList(n * 5, n * 5 + n % 6).forEach(edit::add);
      TreeMap<byte[], Integer> scopes = new TreeMap<>(Bytes.BYTES_COMPARATOR);
      if (n % 9 == 0) {
        scopes.put(Bytes.toBytes("f"), 1);
      }
      WALKeyImpl key = new WALKeyImpl(Bytes.toBytes("region" + n % 3), TableName.valueOf("ns:table" + n % 2),
        n + 1, 1700000000000L + n, Collections.emptyList(), n % 8, n % 5, null, scopes);
      writer.append(new WAL.Entry(key, edit));
    }
    writer.sync(true);
    if (close) {
      writer.close();
    }
  }

  private static void readWal(Path path) throws Exception {
    try (WALStreamReader reader = WALFactory.createStreamReader(FileSystem.get(path.toUri(), CONF), path, CONF)) {
      for (WAL.Entry entry; (entry = reader.next()) != null;) {
        WALKeyImpl key = entry.getKey();
        OUT.printf("entry %s %s %d %d %d %d %s%n", Bytes.toString(key.getEncodedRegionName()), key.getTableName(),
          key.getSequenceId(), key.getWriteTime(), key.getNonceGroup(), key.getNonce(), key.getReplicationScopes() == null ? 0 : key.getReplicationScopes().size());
        for (Cell cell : entry.getEdit().getCells()) {
          print(cell, 0);
        }
      }
      OUT.println("end closed");
    } catch (EOFException e) {
      OUT.println("end open");
    }
  }

  private static void writeHFile(Path path, String encoding, String compression, String checksum, int count)
    throws Exception {
    boolean tags = count % 2 == 1;
    HFileContext context = new HFileContextBuilder().withBlockSize(2048).withHBaseCheckSum(true)
      .withChecksumType(ChecksumType.nameToType(checksum)).withBytesPerCheckSum(512)
      .withDataBlockEncoding(DataBlockEncoding.valueOf(encoding)).withCompression(Compression.getCompressionAlgorithmByName(compression.toLowerCase()))
      .withIncludesMvcc(true).withIncludesTags(tags).withCompressTags(tags && count % 3 == 0).build();
    Configuration conf = new Configuration(CONF);
    conf.setInt("hfile.index.block.max.size", 1024);
    conf.setInt("io.storefile.bloom.block.size", 2048);
    StoreFileWriter writer = new StoreFileWriter.Builder(conf, new CacheConfig(conf), FileSystem.get(path.toUri(), conf))
      .withFilePath(path).withFileContext(context).withBloomType(count % 2 == 0 ? BloomType.ROWCOL : BloomType.ROW)
      .withMaxKeyCount(count).build();
    List<Cell> cells = cells(count, tags);
    cells.sort(context.getCellComparator());
    long sequence = 0;
    for (Cell cell : cells) {
      PrivateCellUtil.setSequenceId(cell, sequence++ * 37 % 100000);
      writer.append(cell);
    }
    writer.appendMetadata(4711, false, Collections.emptyList());
    writer.close();
  }

  private static void readHFile(Path path) throws Exception {
    try (HFile.Reader reader = HFile.createReader(FileSystem.get(path.toUri(), CONF), path, new CacheConfig(CONF), true, CONF)) {
      HFileInfo info = reader.getHFileInfo();
      byte[] sequence = info.get(Bytes.toBytes("MAX_SEQ_ID_KEY"));
      OUT.printf("hfile %d %d %s %s%n", reader.getEntries(), sequence == null ? -1 : Bytes.toLong(sequence),
        hex(reader.getFirstRowKey().orElse(new byte[0])), hex(reader.getLastRowKey().orElse(new byte[0])));
      HFileScanner scanner = reader.getScanner(CONF, false, false);
      List<Cell> cells = new ArrayList<>();
      if (scanner.seekTo()) {
        do {
          Cell cell = scanner.getCell();
          print(cell, cell.getSequenceId());
          cells.add(org.apache.hadoop.hbase.KeyValueUtil.copyToNewKeyValue(cell));
        } while (scanner.next());
      }
      // The index leads to every cell.
      for (Cell cell : cells) {
        if (scanner.seekTo(cell) != 0) {
          throw new IllegalStateException("not found: " + cell);
        }
      }
      OUT.printf("mid %s%n", reader.midKey().map(cell -> hex(CellUtil.cloneRow(cell))).orElse("none"));
    }
  }

  private static void print(Cell cell, long sequence) {
    OUT.printf("cell %s %s %s %d %d %s %s %d%n", hex(CellUtil.cloneRow(cell)), hex(CellUtil.cloneFamily(cell)),
      hex(CellUtil.cloneQualifier(cell)), cell.getTimestamp(), cell.getTypeByte() & 0xff, hex(CellUtil.cloneValue(cell)),
      hex(PrivateCellUtil.cloneTags(cell)), sequence);
  }

  private static String hex(byte[] bytes) {
    return bytes.length == 0 ? "-" : Bytes.toHex(bytes);
  }
}
