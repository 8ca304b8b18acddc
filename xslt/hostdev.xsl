<?xml version="1.0" encoding="UTF-8"?>
<!-- SPDX-License-Identifier: LGPL-2.1-or-later -->
<!--
  What becomes of a guest's interfaces. The rest of the domain comes out as it went in.

  vfpool:given() is what the pool grants:

    <grants operation='prepare'>             or restore, migrate
      <grant interface='1' network='NAME' mac='52:54:…'>   the guest's first interface, on this pool, becomes this VF
        <address type='pci' domain='0x0000' bus='0x01' slot='0x10' function='0x0'/>
      </grant>
      <remap interface='2' mac='52:54:…'>    the guest's second interface, a hostdev, gets another VF of the same pool
        <address …/>
      </remap>
      <network>…</network>                   the pool file of each pool named
    </grants>

  MAC addresses are in lower case there. A site's own sheet, /etc/vfpool/hostdev.xsl, replaces this one whole.
-->
<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform" xmlns:vfpool="urn:vfpool:1"
                exclude-result-prefixes="vfpool">
  <xsl:output method="xml" encoding="UTF-8" omit-xml-declaration="yes" indent="no"/>

  <xsl:variable name="grants" select="vfpool:given()"/>

  <!-- Whole subtrees at a time: node by node costs three times as much. -->
  <xsl:template match="node()">
    <xsl:copy-of select="."/>
  </xsl:template>

  <xsl:template match="/domain | /domain/devices">
    <xsl:copy>
      <xsl:copy-of select="@*"/>
      <xsl:apply-templates select="node()"/>
    </xsl:copy>
  </xsl:template>

  <xsl:template match="/domain/devices/interface[@type='network']">
    <xsl:variable name="number" select="count(preceding-sibling::interface) + 1"/>
    <xsl:variable name="grant" select="$grants/grant[@interface = $number]"/>
    <xsl:choose>
      <xsl:when test="$grant">
        <xsl:call-template name="hostdev">
          <xsl:with-param name="grant" select="$grant"/>
        </xsl:call-template>
      </xsl:when>
      <xsl:otherwise>
        <xsl:copy-of select="."/>
      </xsl:otherwise>
    </xsl:choose>
  </xsl:template>

  <!-- Everything else of a hostdev interface has to stay: libvirt compares it with the source's. -->
  <xsl:template match="/domain/devices/interface[@type='hostdev'] | /domain/devices/interface[@type='hostdev']/source">
    <xsl:copy>
      <xsl:copy-of select="@*"/>
      <xsl:apply-templates select="node()"/>
    </xsl:copy>
  </xsl:template>

  <xsl:template match="/domain/devices/interface[@type='hostdev']/source/address">
    <xsl:variable name="number" select="count(../../preceding-sibling::interface) + 1"/>
    <xsl:copy>
      <xsl:copy-of select="@*"/>
      <xsl:copy-of select="$grants/remap[@interface = $number]/address/@*"/>
      <xsl:apply-templates select="node()"/>
    </xsl:copy>
  </xsl:template>

  <!--
    What a VF has no use for is left out: model, target, bandwidth, filterref, backend, tune, coalesce, link, mtu, guest and
    host offloads, the virtio half of a team, and the driver, which is the pool's: libvirt refuses most of these on a
    hostdev (tests/lab, 10-start). The white space is the interface's own.
  -->
  <xsl:template name="hostdev">
    <xsl:param name="grant"/>
    <xsl:variable name="network" select="$grants/network[normalize-space(name) = $grant/@network]"/>
    <xsl:variable name="wanted" select="source/@portgroup"/>
    <!-- A portgroup that the pool does not have is none, as in libvirt (src/conf/network_conf.c). -->
    <xsl:variable name="portgroup"
                  select="$network/portgroup[($wanted and @name = $wanted) or (not($wanted) and @default = 'yes')][1]"/>
    <xsl:variable name="space" select="string(text()[1][normalize-space() = ''])"/>
    <interface type="hostdev">
      <xsl:attribute name="managed">
        <xsl:choose>
          <xsl:when test="$network/forward/@managed">
            <xsl:value-of select="$network/forward/@managed"/>
          </xsl:when>
          <xsl:otherwise>no</xsl:otherwise>
        </xsl:choose>
      </xsl:attribute>
      <xsl:for-each select="mac">
        <xsl:value-of select="$space"/>
        <xsl:copy-of select="."/>
      </xsl:for-each>
      <xsl:for-each select="$network/forward/driver">
        <xsl:value-of select="$space"/>
        <driver>
          <xsl:copy-of select="@*"/>
        </driver>
      </xsl:for-each>
      <xsl:value-of select="$space"/>
      <source>
        <xsl:if test="$space">
          <xsl:value-of select="concat($space, '  ')"/>
        </xsl:if>
        <xsl:copy-of select="$grant/address"/>
        <xsl:value-of select="$space"/>
      </source>
      <!-- The interface's own VLAN, else the portgroup's, else the pool's (libvirt, networkAllocatePort). -->
      <xsl:for-each select="(vlan | $portgroup/vlan[not(current()/vlan)] |
                             $network/vlan[not(current()/vlan) and not($portgroup/vlan)])[1]">
        <xsl:value-of select="$space"/>
        <xsl:copy-of select="."/>
      </xsl:for-each>
      <xsl:call-template name="virtualport">
        <xsl:with-param name="network" select="$network/virtualport"/>
        <xsl:with-param name="portgroup" select="$portgroup/virtualport"/>
        <xsl:with-param name="space" select="$space"/>
      </xsl:call-template>
      <xsl:for-each select="teaming[@type = 'transient'] | boot | rom | acpi | alias | address | comment() | processing-instruction() |
                            *[namespace-uri()]">
        <xsl:value-of select="$space"/>
        <xsl:copy-of select="."/>
      </xsl:for-each>
      <xsl:value-of select="string(text()[last()][normalize-space() = ''])"/>
    </interface>
  </xsl:template>

  <!--
    Merged from the interface, the pool and the portgroup, in this order; where two say something different there is
    no right answer (libvirt src/util/virnetdevvportprofile.c, virNetDevVPortProfileMerge3).
  -->
  <xsl:template name="virtualport">
    <xsl:param name="network"/>
    <xsl:param name="portgroup"/>
    <xsl:param name="space"/>
    <xsl:variable name="type">
      <xsl:call-template name="merge">
        <xsl:with-param name="what" select="concat(mac/@address, ': interface, pool and portgroup name different virtualport types')"/>
        <xsl:with-param name="first" select="virtualport/@type"/>
        <xsl:with-param name="second" select="$network/@type"/>
        <xsl:with-param name="third" select="$portgroup/@type"/>
      </xsl:call-template>
    </xsl:variable>
    <xsl:variable name="interface" select="virtualport/parameters"/>
    <xsl:variable name="mac" select="mac/@address"/>
    <!-- What a type does not have is dropped without a word. -->
    <xsl:variable name="has">
      <xsl:choose>
        <xsl:when test="$type = '802.1Qbg'"> managerid typeid typeidversion instanceid </xsl:when>
        <xsl:when test="$type = '802.1Qbh'"> profileid </xsl:when>
        <xsl:when test="$type = 'openvswitch'"> interfaceid profileid </xsl:when>
        <xsl:otherwise> interfaceid </xsl:otherwise>
      </xsl:choose>
    </xsl:variable>
    <xsl:if test="string($type)">
      <xsl:value-of select="$space"/>
      <virtualport type="{$type}">
        <xsl:if test="virtualport/parameters/@* | $network/parameters/@* | $portgroup/parameters/@*">
          <xsl:if test="$space">
            <xsl:value-of select="concat($space, '  ')"/>
          </xsl:if>
          <parameters>
            <xsl:for-each select="(virtualport/parameters/@* | $network/parameters/@* | $portgroup/parameters/@*)">
              <xsl:if test="contains($has, concat(' ', name(), ' '))">
                <xsl:attribute name="{name()}">
                  <xsl:call-template name="merge">
                    <xsl:with-param name="what" select="concat($mac, ': interface, pool and portgroup name different virtualport ', name(), 's')"/>
                    <xsl:with-param name="first" select="$interface/@*[name() = name(current())]"/>
                    <xsl:with-param name="second" select="$network/parameters/@*[name() = name(current())]"/>
                    <xsl:with-param name="third" select="$portgroup/parameters/@*[name() = name(current())]"/>
                  </xsl:call-template>
                </xsl:attribute>
              </xsl:if>
            </xsl:for-each>
          </parameters>
          <xsl:value-of select="$space"/>
        </xsl:if>
      </virtualport>
    </xsl:if>
  </xsl:template>

  <!-- The first of three values that is set; an error when another one differs from it. -->
  <xsl:template name="merge">
    <xsl:param name="what"/>
    <xsl:param name="first"/>
    <xsl:param name="second"/>
    <xsl:param name="third"/>
    <xsl:variable name="values" select="$first | $second | $third"/>
    <xsl:if test="$values != $values">
      <xsl:message terminate="yes">
        <xsl:value-of select="concat('the interface with MAC address ', $what, ': make them agree')"/>
      </xsl:message>
    </xsl:if>
    <xsl:value-of select="$values[1]"/>
  </xsl:template>
</xsl:stylesheet>
