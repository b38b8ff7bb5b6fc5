#include "decoder_ops.h"
const weiri_decoder_ops WEIRI_DECODE_CSV = { 0 };
