import { orchestrate, retry } from 'opero';

/** Every way to put a decorator somewhere; valid JavaScript, which some compilers treat in another way. */
const ways = {
  method: () => {
    class Shop {
      size = 1;
      @retry(2)
      async buy() {}
    }
    return Shop;
  },
  'static method': () => {
    class Shop {
      size = 1;
      @retry(2)
      static async buy() {}
    }
    return Shop;
  },
  'numeric method': () => {
    class Shop {
      size = 1;
      @retry(2)
      async 5() {}
    }
    return Shop;
  },
  'without parentheses': () => {
    class Shop {
      size = 1;
      @retry
      async buy() {}
    }
    return Shop;
  },
  'static, without parentheses': () => {
    class Shop {
      size = 1;
      @orchestrate
      static async buy() {}
    }
    return Shop;
  },
  field: () => {
    class Shop {
      size = 1;
      @retry(2)
      buy = async () => {};
    }
    return Shop;
  },
  class: () => {
    @retry(2)
    class Shop {
      size = 1;
      async buy() {}
    }
    return Shop;
  },
};

for (const [way, make] of Object.entries(ways)) {
  try {
    make();
    console.log(`${way}: no error`);
  } catch (error) {
    console.log(`${way}: ${error}`);
  }
}
