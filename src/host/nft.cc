#include "host/nft.h"

#include <nftables/libnftables.h>

namespace testudo::host {

void Nft::Free::operator()(nft_ctx* context) const {
  nft_ctx_free(context);
}

Nft::Nft() : context_(nft_ctx_new(NFT_CTX_DEFAULT)) {
  nft_ctx_buffer_error(context_.get());
  nft_ctx_buffer_output(context_.get());
}

Status<io::SystemError> Nft::run(const std::string& commands) {
  if (nft_run_cmd_from_buffer(context_.get(), commands.c_str()) == 0) return Done{};
  const std::string why = nft_ctx_get_error_buffer(context_.get());
  // The first line says what; the others draw where.
  return Failure{io::SystemError{"nft: " + why.substr(0, why.find('\n')), 0}};
}

Result<std::string, io::SystemError> Nft::ruleset() {
  nft_ctx_output_set_flags(context_.get(), NFT_CTX_OUTPUT_JSON);
  const auto listed = run("list ruleset");
  nft_ctx_output_set_flags(context_.get(), 0);
  if (!listed) return Failure{listed.error()};
  return std::string{nft_ctx_get_output_buffer(context_.get())};
}

}  // namespace testudo::host
