/** The script of a pool that has no chance: it fails before it can take a job. */

throw new TypeError('this script cannot load')
