"""`python -m everbloom.watcher ORDER`: the entry that the SDK starts; see everbloom.watcher.main."""

from everbloom.watcher.main import main

if __name__ == "__main__":
    main()
