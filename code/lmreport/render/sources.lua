-- a source with an empty address, `url = {}`, is no link, with which typst would stop
function Link(link)
  if link.target == "" then
    return link.content
  end
end
