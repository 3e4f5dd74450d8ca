import { strict as assert } from 'node:assert';
import { describe, test } from 'node:test';
import { readMetrics } from './reader.js';

const head = '# HELP x_total Times.\n# TYPE x_total counter\n';
const histogram = '# HELP h Time.\n# TYPE h histogram\n';
const whole = 'h_bucket{le="1"} 1\nh_bucket{le="+Inf"} 2\nh_sum 3.5\nh_count 2\n';

describe('the strict reader of the text format', () => {
  test('reads what is right', () => {
    const read = readMetrics(`${head}x_total{a="b\\"\\\\\\n",c=""} 1e+21\nx_total 2\n\n${histogram}${whole}`);
    assert.deepEqual([...read.keys()], ['x_total', 'h']);
    assert.deepEqual(read.get('x_total')?.samples, [
      { name: 'x_total', labels: { a: 'b"\\\n', c: '' }, value: 1e21 },
      { name: 'x_total', labels: {}, value: 2 },
    ]);
    assert.equal(read.get('h')?.samples.length, 4);
  });

  const wrong: Readonly<Record<string, string>> = {
    'a last line without an end': `${head}x_total 1`,
    'a sample of no metric': 'x_total 1\n',
    'a sample of another metric': `${head}y_total 1\n`,
    'a TYPE without HELP': '# TYPE x_total counter\nx_total 1\n',
    'a metric twice': `${head}x_total 1\n${head}`,
    'a series twice': `${head}x_total{a="b",c="d"} 1\nx_total{c="d",a="b"} 1\n`,
    'a label twice': `${head}x_total{a="b",a="c"} 1\n`,
    'a quote in a value': `${head}x_total{a="b"c"} 1\n`,
    'an end of a line in a value': `${head}x_total{a="b\nc"} 1\n`,
    'an unknown escape': `${head}x_total{a="\\t"} 1\n`,
    'a label with a dot': `${head}x_total{a.b="c"} 1\n`,
    'no number': `${head}x_total undefined\n`,
    'a counter below 0': `${head}x_total -1\n`,
    'a counter of another name': '# HELP x Times.\n# TYPE x counter\nx 1\n',
    'buckets that shrink': `${histogram}${whole.replace('le="1"} 1', 'le="1"} 3')}`,
    'a histogram without +Inf': `${histogram}${whole.replace('+Inf', '2')}`,
    'a count of its own': `${histogram}${whole.replace('count 2', 'count 3')}`,
    'a histogram without a sum': `${histogram}${whole.replace('h_sum 3.5\n', '')}`,
  };
  for (const [name, text] of Object.entries(wrong)) {
    test(`refuses ${name}`, () => {
      assert.throws(() => readMetrics(text), assert.AssertionError);
    });
  }
});
